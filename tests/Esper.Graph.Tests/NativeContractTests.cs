using System.Globalization;
using System.Text.RegularExpressions;

namespace Esper.Graph.Tests;

/// <summary>Numbers and names that the C interface of the training host has too, checked against its sources.</summary>
public sealed class NativeContractTests
{
    private static readonly string Native = FindNative();

    private static readonly string Header = File.ReadAllText(Path.Combine(Native, "include", "esper", "esper_host.h"));

    private static int Number(string header, string name)
    {
        Match match = Regex.Match(header, $@"\b{name} = (\d+)");
        Assert.True(match.Success, $"the header has no {name}");
        return int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Element_types_have_the_numbers_of_the_header()
    {
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            Assert.Equal((int)type, Number(Header, "ESPER_HOST_" + type.ToString().ToUpperInvariant()));
        }
    }

    [Fact]
    public void Attribute_kinds_have_the_numbers_of_the_header()
    {
        foreach (AttributeKind kind in Enum.GetValues<AttributeKind>())
        {
            Assert.Equal((int)kind, Number(Header, "ESPER_HOST_ATTRIBUTE_" + kind.ToString().ToUpperInvariant()));
        }
    }

    [Fact]
    public void Layouts_have_the_numbers_of_the_header()
    {
        string header = File.ReadAllText(Path.Combine(Native, "include", "esper", "esper.h"));
        foreach (SiteLayout layout in Enum.GetValues<SiteLayout>())
        {
            Assert.Equal((int)layout, Number(header, "ESPER_LAYOUT_" + layout.ToString().ToUpperInvariant()));
        }
    }

    [Fact]
    public void Operators_are_those_of_the_executor()
    {
        IEnumerable<string> tables = Directory.GetFiles(Path.Combine(Native, "src", "host", "ops"), "*.cpp")
            .Select(File.ReadAllText)
            .Select(text => text[Math.Max(0, text.IndexOf("const Operator k", StringComparison.Ordinal))..]);
        IEnumerable<string> executor = tables
            .SelectMany(table => Regex.Matches(table, @"\{""([\w.]+)"", make_"))
            .Select(match => match.Groups[1].Value);
        Assert.Equal(executor.Order(StringComparer.Ordinal), OperatorCatalog.Names.ToArray());
    }

    private static string FindNative()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Esper.sln")))
            {
                return Path.Combine(folder.FullName, "native");
            }
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds Esper.sln.");
    }
}
