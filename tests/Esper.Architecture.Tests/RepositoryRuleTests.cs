using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Esper.Architecture.Tests;

/// <summary>Rules on the repository as a whole: projects, packages and files.</summary>
public sealed partial class RepositoryRuleTests
{
    private const long MaximumBytes = 1L << 20;

    private static IEnumerable<RepositoryFile> Projects => Repository.Files.Where(file => file.Path.EndsWith(".csproj", StringComparison.Ordinal));

    [Fact]
    public void The_solution_lists_every_project()
    {
        string[] listed = [.. SolutionEntry().Matches(Repository.File("Esper.sln").Text)
            .Select(match => match.Groups[1].Value.Replace('\\', '/'))];
        string[] existing = [.. Projects.Select(file => file.Path)];
        Rule.Holds(
            "Esper.sln lists every project once, and nothing else.",
            existing.Except(listed).Select(path => $"{path}: not in Esper.sln; add it with 'dotnet sln add {path}'")
                .Concat(listed.Except(existing).Select(path => $"{path}: in Esper.sln, but there is no such file"))
                .Concat(listed.GroupBy(path => path).Where(group => group.Count() > 1).Select(group => $"{group.Key}: listed twice")));
    }

    [Fact]
    public void Every_library_has_a_test_project() => Rule.Holds(
        "Every library under src has a test project under tests.",
        from project in ProductProject.All
        where project.Property("OutputType") != "Exe" && !File.Exists(
            Path.Combine(Repository.Root, "tests", $"{project.Name}.Tests", $"{project.Name}.Tests.csproj"))
        select $"{project.File.Path}: no tests/{project.Name}.Tests");

    [Fact]
    public void Package_versions_are_exact() => Rule.Holds(
        "Directory.Packages.props pins each package exactly, as in [1.2.3], so that every build restores the same bytes.",
        from item in XDocument.Load(Repository.File("Directory.Packages.props").FullPath).Descendants("PackageVersion")
        where !ExactVersion().IsMatch(item.Attribute("Version")?.Value ?? "")
        select $"Directory.Packages.props: {item.Attribute("Include")?.Value} {item.Attribute("Version")?.Value}");

    [Fact]
    public void Package_versions_are_central() => Rule.Holds(
        "Project files name packages; the versions stand in Directory.Packages.props.",
        from file in Projects
        from item in XDocument.Load(file.FullPath).Descendants("PackageReference")
        where item.Attribute("Version") is not null || item.Attribute("VersionOverride") is not null || item.Element("Version") is not null
        select $"{file.Path}: {item.Attribute("Include")?.Value}");

    [Fact]
    public void Lines_end_with_a_line_feed() => Rule.Holds(
        "Text files end their lines with LF alone (.gitattributes), scripts of PowerShell excepted.",
        from file in Repository.Files
        where !file.Path.EndsWith(".ps1", StringComparison.Ordinal) && !file.IsBinary && file.Text.Contains('\r', StringComparison.Ordinal)
        select file.Path);

    [Fact]
    public void Files_are_small() => Rule.Holds(
        "A file in git has at most 1 MiB; data is generated or fetched, not stored.",
        from file in Repository.Files
        where file.Size > MaximumBytes
        select $"{file.Path}: {file.Size} bytes");

    [Fact]
    public void The_file_list_is_the_repository()
    {
        // Guards the rules above: an empty list would satisfy them all.
        Assert.Contains(Repository.Files, file => file.Path == "Esper.sln");
        Assert.Contains(Repository.Files, file => file.Path == "native/include/esper/esper.h");
        Assert.DoesNotContain(Repository.Files, file => file.Path.StartsWith("artifacts/", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"""([^""]+\.csproj)""")]
    private static partial Regex SolutionEntry();

    [GeneratedRegex(@"^\[\d+(\.\d+){1,3}(-[0-9A-Za-z.-]+)?\]$")]
    private static partial Regex ExactVersion();
}
