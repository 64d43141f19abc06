namespace Esper.Bindings;

/// <summary>A header and what its bindings are called.</summary>
/// <param name="HeaderName">File name in native/include/esper.</param>
/// <param name="Library">Library name of the imports.</param>
/// <param name="Prefix">What the generated files and classes start with.</param>
/// <param name="NamePrefix">What is cut off the names of functions and constants.</param>
internal sealed record BindingTarget(string HeaderName, string Library, string Prefix, string NamePrefix)
{
    /// <summary>All headers; one that includes another comes behind it.</summary>
    public static IReadOnlyList<BindingTarget> All { get; } =
    [
        new("esper.h", "esper", "Esper", "esper_"),
        new("esper_host.h", "esper_host", "EsperHost", "esper_host_"),
    ];
}
