using System.Text.RegularExpressions;

namespace Esper.Architecture.Tests;

/// <summary>Rules on the text of the sources.</summary>
public sealed partial class SourceRuleTests
{
    private const int MaximumLines = 450;

    /// <summary>Lines that a rule would refuse for a reason that does not hold there: path and a part of the line.</summary>
    private static readonly (string Path, string Part, string Reason)[] Exceptions =
    [
        ("src/Esper.Bindings/Clang.cs", "errors.GetAwaiter().GetResult()", "The pipe is drained: the process has ended."),
    ];

    [Fact]
    public void Product_code_has_no_ambient_clock_or_random_and_does_not_block() => Rule.Holds(
        "Behaviour that depends on clock, chance or waiting takes them from outside.",
        from file in Repository.Sources("src", ".cs")
        from line in file.Lines
        let instead = SourceRules.Fault(line.Text)
        where instead is not null && !IsException(file, line.Text)
        select $"{file.Path}:{line.Number}: {line.Text.Trim()}  -> {instead}");

    [Fact]
    public void Exceptions_are_still_needed() => Rule.Holds(
        "An exception whose line is gone must go too.",
        from exception in Exceptions
        where !Repository.Sources("src", ".cs").Any(file =>
            file.Path == exception.Path && file.Text.Contains(exception.Part, StringComparison.Ordinal))
        select $"{exception.Path}: {exception.Part}");

    [Theory]
    [InlineData("DateTime now = DateTime.UtcNow;", true)]
    [InlineData("var t = DateTimeOffset.Now;", true)]
    [InlineData("Stopwatch watch = Stopwatch.StartNew();", true)]
    [InlineData("Random random = new(7);", true)]
    [InlineData("int x = new Random().Next();", true)]
    [InlineData("int x = Random.Shared.Next();", true)]
    [InlineData("Guid.NewGuid()", true)]
    [InlineData("return task.Result;", true)]
    [InlineData("task.Wait();", true)]
    [InlineData("task.GetAwaiter().GetResult();", true)]
    [InlineData("Thread.Sleep(10);", true)]
    [InlineData("// DateTime.Now is not used", false)]
    [InlineData("Monitor.Wait(gate);", false)]
    [InlineData("clock.GetUtcNow()", false)]
    [InlineData("KeyedRandom random = new(seed);", false)]
    [InlineData("await semaphore.WaitAsync(token);", false)]
    [InlineData("string address = \"http://x\"; DateTime.Now", true)]
    public void Forbidden_calls_are_recognised(string line, bool forbidden) =>
        Assert.Equal(forbidden, SourceRules.Fault(line) is not null);

    [Fact]
    public void Files_are_short() => Rule.Holds(
        $"A source file has fewer than {MaximumLines} lines: one idea a file.",
        from file in Repository.Sources("src", ".cs")
            .Concat(Repository.Sources("native", ".cpp", ".h", ".hpp", ".inl", ".cuh"))
            .Where(file => !file.Path.StartsWith("native/include/", StringComparison.Ordinal))
        let count = file.Lines.Count()
        where count >= MaximumLines
        select $"{file.Path}: {count} lines");

    [Fact]
    public void Nothing_is_left_to_do_later() => Rule.Holds(
        "Unfinished work belongs in the issue tracker, not in the source.",
        from folder in (string[])["src", "native", "tests", "benchmarks", "cmake", "docs"]
        from file in Repository.Sources(folder, ".cs", ".cpp", ".h", ".hpp", ".inl", ".cuh", ".cmake", ".txt", ".csproj", ".md")
        from line in file.Lines
        where LeftOver().IsMatch(line.Text)
        select $"{file.Path}:{line.Number}: {line.Text.Trim()}");

    private static bool IsException(RepositoryFile file, string line) =>
        Exceptions.Any(exception => file.Path == exception.Path && line.Contains(exception.Part, StringComparison.Ordinal));

    // The character classes keep this line from matching itself.
    [GeneratedRegex(@"\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")]
    private static partial Regex LeftOver();
}
