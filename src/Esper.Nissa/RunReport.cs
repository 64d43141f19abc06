using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Nissa.Report;

namespace Esper.Nissa;

/// <summary>
/// The report of a run: one HTML file with nothing outside it, readable without scripts, in light and dark. The same
/// record gives the same bytes.
/// </summary>
public static class RunReport
{
    /// <summary>Renders the report.</summary>
    public static string Render(RunRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        double epochs = Extent(record);
        ImmutableArray<StageHistory> histories = StageHistory.Of(record, epochs);
        Markup body = new();
        body.Open("main");
        HeaderSection.Write(record, body);
        CurvesSection.Write(record, epochs, body);
        LatticeSection.Write(record, histories, epochs, body);
        SeedTable.Write(record, histories, body);
        EventTables.Write(record, body);
        ConfigurationSection.Write(record, body);
        body.Close();
        return Page($"{record.Info.RunId} · Esper run report", body.ToString());
    }

    /// <summary>Renders the report into a file, replacing it as a whole.</summary>
    /// <param name="record">The run.</param>
    /// <param name="path">The file, usually <see cref="RunDirectory.ReportPath"/>.</param>
    /// <exception cref="EsperException">The file cannot be written.</exception>
    public static void WriteTo(RunRecord record, string path)
    {
        WriteFile(Render(record), path);
    }

    /// <summary>Writes a page into a file, replacing it as a whole.</summary>
    internal static void WriteFile(string html, string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        try
        {
            AtomicFile.WriteText(path, html);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EsperException($"The report cannot be written to {path}: {e.Message}", e);
        }
    }

    /// <summary>Length of the record in epochs, at least one so that axes have an extent.</summary>
    private static double Extent(RunRecord record)
    {
        double stepsPerEpoch = record.Info.StepsPerEpoch;
        double extent = 1;
        extent = record.Epochs.IsEmpty ? extent : Math.Max(extent, record.Epochs[^1].Epoch);
        extent = record.Steps.IsEmpty ? extent : Math.Max(extent, record.Steps[^1].Step / stepsPerEpoch);
        return record.Events.IsEmpty ? extent : Math.Max(extent, record.Events.Max(e => e.Step) / stepsPerEpoch);
    }

    /// <summary>A whole page around the content of its body.</summary>
    internal static string Page(string title, string body) =>
        new Markup()
            .Constant("<!DOCTYPE html>\n").Open("html", ("lang", "en"))
            .Open("head")
            .Empty("meta", ("charset", "utf-8"))
            .Empty("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"))
            .Element("title", title)
            .Constant($"<style>{ReportStyle.Css}</style>").Close()
            .Open("body").Constant(body)
            .Constant($"<script>{ReportScript.JavaScript}</script>").Close().Close()
            .ToString() + "\n";
}
