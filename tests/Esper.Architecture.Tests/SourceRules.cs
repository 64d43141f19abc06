using System.Text.RegularExpressions;

namespace Esper.Architecture.Tests;

/// <summary>Calls that the product's source must not contain, and how they are found.</summary>
internal static partial class SourceRules
{
    /// <summary>Pattern of a call and what to write instead.</summary>
    public static IReadOnlyList<(Regex Pattern, string Instead)> Forbidden { get; } =
    [
        (AmbientClock(), "take a TimeProvider"),
        (AmbientRandom(), "take a KeyedRandom, so that the run's seed decides"),
        (AmbientIdentifier(), "derive identifiers from the run, so that runs repeat"),
        (BlockingWait(), "await it, with a CancellationToken"),
        (Sleep(), "wait for the event itself, with a CancellationToken"),
    ];

    /// <summary>What stands on the line besides a line comment. Addresses such as http://x are no comments.</summary>
    public static string WithoutComment(string line) => LineComment().Replace(line, "");

    /// <summary>What to write instead of the first forbidden call on the line; null if there is none.</summary>
    public static string? Fault(string line)
    {
        string code = WithoutComment(line);
        return Forbidden.FirstOrDefault(rule => rule.Pattern.IsMatch(code)).Instead;
    }

    [GeneratedRegex(@"(?<!:)//.*$")]
    private static partial Regex LineComment();

    [GeneratedRegex(@"\bDateTime(Offset)?\.(Utc)?(Now|Today)\b|\bStopwatch\.(StartNew|GetTimestamp)\b|\bEnvironment\.TickCount")]
    private static partial Regex AmbientClock();

    [GeneratedRegex(@"\bnew\s+(System\.)?Random\s*\(|\bRandom\.Shared\b|\bRandom\s+\w+\s*=\s*new\s*\(")]
    private static partial Regex AmbientRandom();

    [GeneratedRegex(@"\bGuid\.(NewGuid|CreateVersion7)\b")]
    private static partial Regex AmbientIdentifier();

    [GeneratedRegex(@"\.Result\b(?!\s*[({=])|(?<!\bMonitor)\.Wait\(\s*\)|\.GetAwaiter\(\)\s*\.GetResult\(\)|\bTask\.WaitA(ll|ny)\b")]
    private static partial Regex BlockingWait();

    [GeneratedRegex(@"\bThread\.Sleep\b|\bSpinWait\b")]
    private static partial Regex Sleep();
}
