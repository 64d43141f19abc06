using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Contracts;
using Esper.Tamiyo.Bench;

namespace Esper.Cli.Commands;

/// <summary>What <c>esper bench select --json</c> prints.</summary>
/// <param name="Arms">Number of arms.</param>
/// <param name="Features">Features of an arm.</param>
/// <param name="Nanoseconds">Median nanoseconds of one selection, by strategy.</param>
/// <param name="Strategies">The same with more figures.</param>
internal sealed record SelectDocument(
    int Arms, int Features, IReadOnlyDictionary<string, double> Nanoseconds, ImmutableArray<SelectionTiming> Strategies);

/// <summary><c>esper bench</c>: measures parts of the program on this machine.</summary>
internal static class BenchCommand
{
    private const string Select = "select";

    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Argument<string> name = new("NAME")
        {
            Description = "What to measure: select, the choice of a strategy among arms.",
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (text != Select)
                {
                    result.AddError($"there is no benchmark '{text}'. {Suggestion.Phrase(text, [Select])}");
                }

                return text;
            },
        };
        Option<int> arms = CommonOptions.Number("--arms", "N", "Arms to choose among.", minimum: 1, standard: 100);
        Option<bool> json = CommonOptions.Json("the result");
        return new EsperCommand("bench", "Measure how long this machine takes for a selection.")
            .With(name)
            .WithGroup("What to measure", arms)
            .WithGroup("Output", json)
            .WithExample("esper bench select --arms 10000", "nanoseconds of a choice among 10,000 arms, by strategy")
            .Does(parsed => Run(environment, parsed.GetValue(arms), parsed.GetValue(json)));
    }

    private static int Run(CliEnvironment environment, int arms, bool json)
    {
        using Interruption interruption = environment.Listen(static () => { }, static () => { });
        ImmutableArray<SelectionTiming> timings = SelectionBenchmark.Run(arms, environment.Clock, interruption.Token);
        if (json)
        {
            JsonOutput.Write(environment.Output, new SelectDocument(
                arms,
                SelectionBenchmark.Features,
                timings.ToDictionary(timing => timing.Strategy, timing => timing.Nanoseconds),
                timings));
            return ExitCode.Success;
        }

        TextTable table = new("Strategy", ">ns a selection", ">Fastest", ">Bytes allocated");
        foreach (SelectionTiming timing in timings)
        {
            table.Add(timing.Strategy, Whole(timing.Nanoseconds), Whole(timing.Fastest), Whole(timing.AllocatedBytes));
        }

        table.Write(environment.Output, environment.Width);
        return ExitCode.Success;
    }

    private static string Whole(double value) => value.ToString("F0", CultureInfo.InvariantCulture);
}
