using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Nissa.Experiments;
using Esper.Nissa.Report;
using Esper.Nissa.Report.Experiment;

namespace Esper.Nissa;

/// <summary>
/// The report of an experiment: one HTML file with nothing outside it, readable without scripts, in light and dark. The same record
/// gives the same bytes, and no path of the machine is in it.
/// </summary>
public static class ExperimentReport
{
    /// <summary>Renders the report.</summary>
    /// <param name="record">The experiment.</param>
    /// <param name="result">What came out of it.</param>
    public static string Render(ExperimentRecord record, ExperimentResult result)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(result);
        ImmutableArray<ArmData> arms = ArmData.AllOf(record);
        Markup body = new();
        body.Open("main");
        OverviewSection.Write(record, result, body);
        ClaimsSection.Write(result, body);
        AccuracySection.Write(record.Plan, arms, body);
        DifferencesSection.Write(result, body);
        ArmsSection.Write(record.Plan, result, arms, body);
        GrowthSection.Write(record, body);
        SetupSection.Write(record, body);
        body.Close();
        return RunReport.Page($"{record.Plan.Name} · Esper experiment", body.ToString());
    }

    /// <summary>Renders the report into a file, replacing it as a whole.</summary>
    /// <exception cref="EsperException">The file cannot be written.</exception>
    public static void WriteTo(ExperimentRecord record, ExperimentResult result, string path) =>
        RunReport.WriteFile(Render(record, result), path);
}
