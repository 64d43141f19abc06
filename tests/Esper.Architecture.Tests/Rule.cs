namespace Esper.Architecture.Tests;

/// <summary>Turns a list of violations into a test result that names each of them.</summary>
internal static class Rule
{
    public static void Holds(string rule, IEnumerable<string> violations)
    {
        string[] all = [.. violations];
        Assert.True(all.Length == 0, $"{rule}\n  {string.Join("\n  ", all)}");
    }
}
