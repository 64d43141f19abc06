using Esper.Nissa;
using Esper.Nissa.Experiments;
using Esper.Nissa.Statistics;

namespace Esper.Cli.Output;

/// <summary>Analyses an experiment, renders its report, and shows what came out.</summary>
internal static class ExperimentOutput
{
    /// <summary>Writes <c>result.json</c>, the report, and the result as text or JSON.</summary>
    /// <param name="environment">What the command runs in.</param>
    /// <param name="path">Directory of the experiment.</param>
    /// <param name="file">Where the report goes; null for the experiment's own.</param>
    /// <param name="json">Whether the result is written as JSON.</param>
    /// <returns>The exit code: failure if a run has failed. A claim that does not hold is no failure.</returns>
    public static int Write(CliEnvironment environment, string path, string? file, bool json)
    {
        ExperimentRecord record = ExperimentRecord.Load(path);
        string report = Path.GetFullPath(file ?? record.Directory.ReportPath);
        ExperimentResult result = ExperimentAnalysis.Of(record, report);
        ExperimentReport.WriteTo(record, result, report);

        // What is kept holds on every machine; what is printed says where it lies on this one.
        ExperimentDirectory.Write(record.Directory.ResultPath, result with { Directory = ".", Report = "report.html" });
        foreach (string failure in result.Failures)
        {
            environment.Error.WriteLine($"failed: {failure}");
        }

        if (json)
        {
            JsonOutput.Write(environment.Output, result);
        }
        else
        {
            Show(environment, result);
        }

        return result.Failures.IsEmpty ? ExitCode.Success : ExitCode.Failure;
    }

    private static void Show(CliEnvironment environment, ExperimentResult result)
    {
        TextWriter output = environment.Output;
        TextTable arms = new("Arm", ">Seeds", ">Test accuracy", ">95 %", ">Parameters", ">Training FLOP", ">Time");
        foreach (ArmResult arm in result.Arms)
        {
            arms.Add(
                arm.Name,
                HumanText.Whole(arm.Seeds.Length),
                arm.AccuracyFinal is { } accuracy ? HumanText.Percent(accuracy.Mean) : HumanText.Nothing,
                HalfWidth(arm.AccuracyFinal),
                arm.Parameters is { } parameters ? HumanText.Scaled(parameters) : HumanText.Nothing,
                arm.TrainFlops is { } flops ? HumanText.Scaled(flops) : HumanText.Nothing,
                arm.Seconds is { } seconds ? HumanText.Duration(seconds) : HumanText.Nothing);
        }

        arms.Write(output, environment.Width);
        output.WriteLine();
        foreach (ClaimResult claim in result.Claims)
        {
            output.WriteLine($"{claim.Name}: {claim.Verdict.Replace('_', ' ')}");
            Paragraph(environment, claim.Reason);
            Paragraph(environment, $"Rule: {claim.Rule}.");
        }

        output.WriteLine($"{result.RunsFinished} of {result.Runs} runs; verdict: {result.Verdict.Replace('_', ' ')}");
        output.WriteLine(result.Report);
    }

    private static string HalfWidth(MeanEstimate? estimate) =>
        estimate?.HalfWidth is { } half ? "± " + HumanText.Percent(half) : HumanText.Nothing;

    private static void Paragraph(CliEnvironment environment, string text)
    {
        foreach (string line in TextWrap.Lines(text, Math.Min(environment.Width, 100) - 2))
        {
            environment.Output.WriteLine($"  {line}");
        }
    }
}
