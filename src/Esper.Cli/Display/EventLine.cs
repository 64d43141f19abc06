using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Cli.Display;

/// <summary>A lifecycle event on one line: where, what, and why.</summary>
internal static class EventLine
{
    public static StyledLine Build(LifecycleEvent change, Glyphs glyphs)
    {
        string moment = $"epoch {change.Epoch}, step {change.Step}";
        StyledLine line = new StyledLine().Add(moment.PadRight(22), Styles.Dim).Add($"seed {change.Seed}".PadRight(10));
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
