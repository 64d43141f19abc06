namespace Esper.Architecture.Tests;

/// <summary>Dependencies between the projects point one way (docs/architecture.md).</summary>
public sealed class DependencyTests
{
    private const string DocumentedIn = "Allowed dependencies are the table in DependencyTests.";

    /// <summary>What each project may use. A project that is not here may not exist.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Esper.Bindings"] = [],
        ["Esper.Contracts"] = [],
        ["Esper.Native"] = ["Esper.Contracts"],
        ["Esper.Graph"] = ["Esper.Contracts"],
        ["Esper.Data"] = ["Esper.Contracts"],
        ["Esper.Nissa"] = ["Esper.Contracts"],
        ["Esper.Tamiyo"] = ["Esper.Contracts"],
        ["Esper.Kasmina"] = ["Esper.Contracts", "Esper.Graph", "Esper.Native"],
        ["Esper.Tolaria"] =
        [
            "Esper.Contracts", "Esper.Graph", "Esper.Native", "Esper.Data", "Esper.Kasmina", "Esper.Tamiyo", "Esper.Nissa",
        ],
        ["Esper.Cli"] =
        [
            "Esper.Contracts", "Esper.Graph", "Esper.Native", "Esper.Data", "Esper.Kasmina", "Esper.Tamiyo", "Esper.Nissa",
            "Esper.Tolaria",
        ],
    };

    [Fact]
    public void Every_project_has_its_place_in_the_graph() => Rule.Holds(
        $"Every project under src has a line in the table, and every line a project. {DocumentedIn}",
        ProductProject.All.Select(project => project.Name).Order().Except(Allowed.Keys).Select(name => $"src/{name}: not in the table")
            .Concat(Allowed.Keys.Except(ProductProject.All.Select(project => project.Name)).Select(name => $"{name}: no such project")));

    [Fact]
    public void The_table_has_no_cycle()
    {
        HashSet<string> done = [];
        while (Allowed.FirstOrDefault(entry => !done.Contains(entry.Key) && entry.Value.All(done.Contains)).Key is { } next)
        {
            done.Add(next);
        }

        Assert.Equal(Allowed.Keys.Order(), done.Order());
    }

    [Fact]
    public void Project_files_reference_only_what_they_may() => Rule.Holds(
        $"A project file references a project that it may not. {DocumentedIn}",
        from project in ProductProject.All
        from reference in project.ReferencedProjects
        where !Allowed.GetValueOrDefault(project.Name, []).Contains(reference)
        select $"{project.File.Path}: {reference}");

    [Fact]
    public void Assemblies_use_only_what_they_may() => Rule.Holds(
        $"An assembly uses types of a project that it may not. {DocumentedIn}",
        from project in ProductProject.All
        from used in project.UsedProjects
        where !Allowed.GetValueOrDefault(project.Name, []).Contains(used)
        select $"{project.Name} ({project.File.Path}): {used}");

    [Fact]
    public void Built_assemblies_show_their_dependencies()
    {
        // Guards the rule above: if references could not be read, it would hold for every assembly.
        ProductProject native = ProductProject.All.Single(project => project.Name == "Esper.Native");
        Assert.Contains("Esper.Contracts", native.UsedProjects);
    }
}
