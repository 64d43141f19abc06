namespace Esper.Architecture.Tests;

/// <summary>Classes are sealed unless they are made to be derived from.</summary>
public sealed class SealedTypeTests
{
    private static readonly string[] MadeToBeDerivedFrom =
    [
        "Esper.Contracts.EsperException",
    ];

    [Fact]
    public void Public_classes_are_sealed() => Rule.Holds(
        "A public class is sealed, static or abstract; one that is made to be derived from is named in SealedTypeTests.",
        from project in ProductProject.All
        from type in project.Assembly.GetExportedTypes()
        where type is { IsClass: true, IsSealed: false, IsAbstract: false } && !MadeToBeDerivedFrom.Contains(type.FullName)
        select $"{project.Name}: {type.FullName}");

    [Fact]
    public void Base_classes_on_the_list_are_derived_from() => Rule.Holds(
        "A class that nothing derives from can be sealed and leaves the list.",
        from name in MadeToBeDerivedFrom
        where !ProductProject.All.SelectMany(project => project.Assembly.GetTypes()).Any(type => type.BaseType?.FullName == name)
        select name);
}
