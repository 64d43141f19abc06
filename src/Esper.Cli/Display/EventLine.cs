using Esper.Contracts.Runs;

namespace Esper.Cli.Display;

/// <summary>A lifecycle event on one line: where, what, and why.</summary>
internal static class EventLine
{
    /// <summary>A decision that was not made, on one line.</summary>
    public static string Describe(DecisionFailure failure) =>
        $"policy {failure.Policy}, epoch {failure.Epoch}, step {failure.Step}: decision failed "
        + $"({failure.Consecutive} of {failure.MostConsecutive} in a row that end the run): {failure.Reason}";

    /// <param name="change">The event.</param>
    /// <param name="glyphs">Characters to use.</param>
    /// <param name="withStep">Name the step beside the epoch.</param>
    public static StyledLine Build(LifecycleEvent change, Glyphs glyphs, bool withStep)
    {
        string moment = withStep ? $"epoch {change.Epoch}, step {change.Step}".PadRight(22)
            : $"epoch {change.Epoch}".PadRight(11);
        StyledLine line = new StyledLine().Add(moment, Styles.Dim).Add($"seed {change.Seed}".PadRight(10));
        StyledLine what = new StyledLine().Add(change.From.ToString(), Styles.Name(change.From));
        if (change.From == change.To)
        {
            what.Add(" refused", Styles.Bad);
        }
        else
        {
            what.Add($" {glyphs.Arrow} ", Styles.Dim).Add(change.To.ToString(), Styles.Name(change.To));
        }

        line.Add(what).Add(new string(' ', Math.Max(2, 24 - what.Width)));
        if (change.Blueprint is { } blueprint)
        {
            line.Add(blueprint + "  ");
        }

        if (change.Verdict is { } verdict)
        {
            line.Add($"{verdict.Gate} ").Add(verdict.Passed ? "passed  " : "failed  ", verdict.Passed ? Styles.Good : Styles.Bad);
        }

        return line.Add(change.Reason, Styles.Dim);
    }
}
