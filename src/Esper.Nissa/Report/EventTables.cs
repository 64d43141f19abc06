using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Report;

/// <summary>What was asked, what the gates said and why.</summary>
internal static class EventTables
{
    private const int MostRows = 1000;

    private static readonly string[] Headings = ["Epoch", "Step", "Seed", "Change", "Issuer", "Gate, risk", "Reason and measurements"];

    public static void Write(RunRecord record, Markup output)
    {
        if (record.Events.IsEmpty && record.Failures.IsEmpty && record.Rollbacks.IsEmpty)
        {
            return;
        }

        LifecycleEvent[] refused = [.. record.Events.Where(IsRefused)];
        LifecycleEvent[] others = [.. record.Events.Where(e => !IsRefused(e))];
        output.Open("section").Element("h2", "Decisions");
        WriteFailures(record.Failures, output);
        WriteRollbacks(record, output);
        WriteTable("Refusals and failed gates", refused, output);
        WriteTable("Changes of stage", others, output);
        output.Close();
    }

    private static void WriteRollbacks(RunRecord record, Markup output)
    {
        if (record.Rollbacks.IsEmpty)
        {
            return;
        }

        output.Open("details", ("open", "")).Element("summary", $"Rollbacks ({HumanText.Whole(record.Rollbacks.Length)})")
            .Open("div", ("class", "scroll")).Open("table").Open("thead").Open("tr");
        foreach (string heading in (ReadOnlySpan<string>)["Epoch", "Step", "Back to", "Culled", "Fault and what was done about it"])
        {
            output.Element("th", heading);
        }

        output.Close().Close().Open("tbody");
        foreach (RollbackReport rollback in record.Rollbacks)
        {
            output.Open("tr")
                .Element("td", HumanText.Whole(rollback.Epoch), ("class", "number"))
                .Element("td", HumanText.Whole(rollback.Step), ("class", "number"))
                .Element("td", HumanText.Whole(rollback.ToStep), ("class", "number"))
                .Element("td", rollback.Culled.IsEmpty ? HumanText.Nothing : string.Join(", ", rollback.Culled), ("class", "number"))
                .Open("td").Text(rollback.Reason).Element("div", rollback.Remedy, ("class", "muted")).Close()
                .Close();
        }

        output.Close().Close().Close().Close();
    }

    private static bool IsRefused(LifecycleEvent change) => change.From == change.To || change.Verdict is { Passed: false };

    private static void WriteTable(string title, LifecycleEvent[] events, Markup output)
    {
        output.Open("details").Element("summary", $"{title} ({HumanText.Whole(events.Length)})");
        if (events.Length > MostRows)
        {
            output.Element("p",
                $"The last {HumanText.Whole(MostRows)}; events.jsonl has the {HumanText.Whole(events.Length - MostRows)} before them.",
                ("class", "note"));
        }

        output.Open("div", ("class", "scroll")).Open("table").Open("thead").Open("tr");
        foreach (string heading in Headings)
        {
            output.Element("th", heading);
        }

        output.Close().Close().Open("tbody");
        foreach (LifecycleEvent change in events.TakeLast(MostRows))
        {
            WriteRow(change, output);
        }

        output.Close().Close().Close().Close();
    }

    private static void WriteRow(LifecycleEvent change, Markup output)
    {
        output.Open("tr")
            .Element("td", HumanText.Whole(change.Epoch), ("class", "number"))
            .Element("td", HumanText.Whole(change.Step), ("class", "number"))
            .Element("td", change.Seed.ToString(), ("class", "number"))
            .Open("td", ("class", "change"));
        SeedTable.StagePill(change.From, output);
        if (change.From == change.To)
        {
            output.Text(" refused");
        }
        else
        {
            output.Text(" → ");
            SeedTable.StagePill(change.To, output);
        }

        output.Close().Element("td", change.Issuer)
            .Element("td", Outcome(change), ("class", "change"))
            .Open("td").Text(change.Reason);
        WriteVerdict(change, output);
        output.Close().Close();
    }

    private static void WriteFailures(ImmutableArray<DecisionFailure> failures, Markup output)
    {
        if (failures.IsEmpty)
        {
            return;
        }

        output.Open("details", ("open", "open")).Element("summary", $"Decisions that were not made ({HumanText.Whole(failures.Length)})")
            .Open("ul", ("class", "measurements"));
        foreach (DecisionFailure failure in failures.TakeLast(MostRows))
        {
            output.Element("li", $"Epoch {HumanText.Whole(failure.Epoch)}, step {HumanText.Whole(failure.Step)}, {failure.Policy}: "
                + $"{failure.Reason} ({failure.Consecutive} of {failure.MostConsecutive} in a row that end the run)", ("class", "bad"));
        }

        output.Close().Close();
    }

    private static string Outcome(LifecycleEvent change)
    {
        string[] words =
        [
            .. change.Verdict is { } gate ? [$"{gate.Gate} {(gate.Passed ? "✓" : gate.Terminal ? "✗ terminal" : "✗")}"] : Array.Empty<string>(),
            .. change.Risk is { Allowed: false } risk ? [$"{risk.Rule}: {risk.Action.ToString().ToLowerInvariant()}"] : Array.Empty<string>(),
            .. change.Refusal is { } refusal ? [$"guard: {refusal.Fault}"] : Array.Empty<string>(),
        ];
        return words.Length == 0 ? HumanText.Nothing : string.Join(", ", words);
    }

    private static void WriteVerdict(LifecycleEvent change, Markup output)
    {
        if (change.Verdict is { } verdict)
        {
            if (verdict.Reason != change.Reason)
            {
                output.Element("div", verdict.Reason, ("class", "muted"));
            }

            WriteMeasurements(verdict.Measurements, output);
        }

        // What every rule measured is in events.jsonl; a reader of the page looks for what stood in the way.
        foreach (RiskFinding finding in change.Risk?.Findings ?? [])
        {
            if (finding.Action != RiskAction.Allow)
            {
                output.Element("div", $"risk rule {finding.Rule}: {finding.Reason}", ("class", "muted"));
                WriteMeasurements(finding.Measurements, output);
            }
        }
    }

    private static void WriteMeasurements(ImmutableArray<GateMeasurement> measurements, Markup output)
    {
        if (measurements.IsEmpty)
        {
            return;
        }

        output.Open("ul", ("class", "measurements"));
        foreach (GateMeasurement measurement in measurements)
        {
            output.Element("li", $"{(measurement.Passed ? "✓" : "✗")} {measurement.Name}: {HumanText.Number(measurement.Value)} "
                + $"(threshold {HumanText.Number(measurement.Threshold)})", ("class", measurement.Passed ? "good" : "bad"));
        }

        output.Close();
    }
}
