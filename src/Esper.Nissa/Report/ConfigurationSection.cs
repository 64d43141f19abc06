using Esper.Contracts.Runs;

namespace Esper.Nissa.Report;

/// <summary>What is needed to do the run again.</summary>
internal static class ConfigurationSection
{
    public static void Write(RunRecord record, Markup output)
    {
        RunInfo info = record.Info;
        output.Open("section").Element("h2", "Configuration").Open("div", ("class", "scroll"))
            .Open("table", ("class", "pairs")).Open("tbody");
        Pair(output, "Run", info.RunId);
        Pair(output, "Directory", info.Directory);
        Pair(output, "Host",
            $"{info.Host}, {HumanText.Whole(info.Parameters)} parameters, {HumanText.Scaled(info.ForwardFlops)}FLOP an example forward");
        Pair(output, "Data",
            $"{info.Dataset}: {HumanText.Whole(info.TrainExamples)} training, {HumanText.Whole(info.ValidationExamples)} validation, "
            + $"{HumanText.Whole(info.TestExamples)} test examples");
        Pair(output, "Schedule",
            $"{info.Epochs} epochs of {HumanText.Whole(info.StepsPerEpoch)} steps, {HumanText.Whole(info.BatchSize)} examples a batch");
        Pair(output, "Machine", $"{info.Device}, {info.Threads} {(info.Threads == 1 ? "thread" : "threads")}");
        Pair(output, "Seed of randomness", info.Seed.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (info.FirstEpoch > 1)
        {
            Pair(output, "Resumed", $"last with epoch {info.FirstEpoch}");
        }

        if (record.Summary is { } summary)
        {
            Pair(output, "Parameters digest", summary.ParametersDigest);
        }

        output.Close().Close().Close();
        if (record.Configuration is { } text)
        {
            output.Open("details").Element("summary", "config.yaml").Element("pre", text).Close();
        }
        else
        {
            output.Element("p", "The directory has no config.yaml.", ("class", "empty"));
        }

        output.Close();
    }

    private static void Pair(Markup output, string name, string value) =>
        output.Open("tr").Element("th", name).Element("td", value).Close();
}
