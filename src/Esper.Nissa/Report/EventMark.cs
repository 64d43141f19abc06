using System.Collections.Immutable;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Report;

/// <summary>Transitions into one stage at one moment.</summary>
/// <param name="X">When, in epochs.</param>
/// <param name="Stage">The stage entered.</param>
/// <param name="Text">Which seeds, for the tooltip.</param>
internal sealed record EventMark(double X, SeedStage Stage, string Text)
{
    /// <summary>Above this many, only the ends of lives are marked: more would hide one another.</summary>
    private const int MostMarks = 80;

    private static readonly SeedStage[] Marked =
    [
        SeedStage.Germinated, SeedStage.Blending, SeedStage.Fossilized, SeedStage.Culled,
    ];

    /// <summary>
    /// The transitions that a reader looks for beside a curve: birth, first influence on the host, and either end. The
    /// timeline shows all.
    /// </summary>
    public static ImmutableArray<EventMark> Of(RunRecord record)
    {
        double stepsPerEpoch = record.Info.StepsPerEpoch;
        ImmutableArray<EventMark> marks =
        [
            .. record.Events
                .Where(e => e.From != e.To && Marked.Contains(e.To))
                .GroupBy(e => (e.Step, e.To))
                .Select(g => new EventMark(g.Key.Step / stepsPerEpoch, g.Key.To, Describe(g.Key.Step, g.Key.To, [.. g]))),
        ];
        return marks.Length <= MostMarks ? marks : [.. marks.Where(m => m.Stage is SeedStage.Fossilized or SeedStage.Culled)];
    }

    private static string Describe(long step, SeedStage stage, LifecycleEvent[] events)
    {
        const int shown = 8;
        IEnumerable<string> seeds = events.Take(shown).Select(e => e.Blueprint is null ? $"{e.Seed}" : $"{e.Seed} {e.Blueprint}");
        string more = events.Length > shown ? $"\nand {events.Length - shown} more" : string.Empty;
        return $"{stage} at step {HumanText.Whole(step)}\n{string.Join('\n', seeds)}{more}";
    }
}
