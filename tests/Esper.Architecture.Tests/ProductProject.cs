using System.Reflection;
using System.Xml.Linq;

namespace Esper.Architecture.Tests;

/// <summary>A project under src: what its file says and what its assembly holds.</summary>
internal sealed class ProductProject
{
    private readonly Lazy<Assembly> assembly;

    private ProductProject(RepositoryFile file)
    {
        File = file;
        Name = Path.GetFileNameWithoutExtension(file.Path);
        Xml = XDocument.Load(file.FullPath);
        string assemblyName = Property("AssemblyName") ?? Name;
        assembly = new Lazy<Assembly>(() => Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, assemblyName + ".dll")));
    }

    public static IReadOnlyList<ProductProject> All { get; } =
        [.. Repository.Sources("src", ".csproj").Select(file => new ProductProject(file))];

    public RepositoryFile File { get; }

    public string Name { get; }

    public XDocument Xml { get; }

    public Assembly Assembly => assembly.Value;

    /// <summary>Names of the projects that the project file references.</summary>
    public IEnumerable<string> ReferencedProjects =>
        Xml.Descendants("ProjectReference").Select(item => Path.GetFileNameWithoutExtension(item.Attribute("Include")!.Value));

    public string? Property(string name) => Xml.Descendants(name).SingleOrDefault()?.Value;

    /// <summary>Names of the projects whose types the built assembly uses.</summary>
    public IEnumerable<string> UsedProjects
    {
        get
        {
            HashSet<string> used = [.. Assembly.GetReferencedAssemblies().Select(name => name.Name!)];
            return All.Where(other => used.Contains(other.Assembly.GetName().Name!)).Select(other => other.Name);
        }
    }
}
