using System.CommandLine;
using System.Globalization;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Contracts;
using Esper.Nissa;
using Esper.Tolaria;

namespace Esper.Cli.Commands;

/// <summary><c>esper eval</c>: evaluates the last checkpoint of a run.</summary>
internal static class EvalCommand
{
    private static readonly string[] Splits = ["test", "validation"];

    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Argument<string> directory = CommonOptions.RunDirectory();
        Option<string> split = new("--split")
        {
            HelpName = "NAME",
            Description = "Part of the data: test or validation. [default: test]",
            DefaultValueFactory = _ => Splits[0],
            CustomParser = result =>
            {
                string name = result.Tokens[0].Value;
                if (!Splits.Contains(name))
                {
                    result.AddError($"--split: '{name}' is unknown. {Suggestion.Phrase(name, Splits)}");
                }

                return name;
            },
        };
        Option<string> data = CommonOptions.Data("Directory or text file of the data set, where it is not where the run found it.");
        Option<int> threads = CommonOptions.Number(
            "--threads", "N", "Threads to compute with; 0 = all cores of this process.", minimum: 0, standard: 0);
        Option<bool> json = CommonOptions.Json("the result");
        return new EsperCommand("eval", "Evaluate the last checkpoint of a run.")
            .With(directory)
            .WithGroup("What to evaluate", split, data)
            .WithGroup("Machine", threads)
            .WithGroup("Output", json)
            .WithExample("esper eval runs/first --split validation", "accuracy and loss on the examples set aside for decisions")
            .Does(parsed => Run(
                environment,
                interruption => environment.Evaluate(
                    parsed.GetRequiredValue(directory), parsed.GetRequiredValue(split), parsed.GetValue(data), parsed.GetValue(threads), interruption),
                parsed.GetValue(json)));
    }

    private static int Run(CliEnvironment environment, Func<CancellationToken, EvaluationSummary> evaluate, bool json)
    {
        using Interruption interruption = environment.Listen(
            () => environment.Error.WriteLine("stopping after the batch in flight; once more to leave at once"), () => { });
        EvaluationSummary result = evaluate(interruption.Token);
        if (json)
        {
            JsonOutput.Write(environment.Output, result);
            return ExitCode.Success;
        }

        environment.Output.WriteLine($"{result.Host} on {result.Dataset}, {HumanText.Whole(result.Examples)} {result.Split} examples");
        environment.Output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  accuracy    {HumanText.Percent(result.Accuracy)}"));
        environment.Output.WriteLine($"  loss        {HumanText.Number(result.Loss)}");
        environment.Output.WriteLine($"  parameters  {HumanText.Whole(result.Parameters)}");
        environment.Output.WriteLine($"  digest      {result.ParametersDigest}");
        return ExitCode.Success;
    }
}
