using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;

namespace Esper.Nissa.Report;

/// <summary>A time that a seed spent in a stage.</summary>
/// <param name="Start">Beginning in epochs since the start of training.</param>
/// <param name="End">End in epochs.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Blueprint">Name of the blueprint; null without a module.</param>
internal sealed record StageSpan(double Start, double End, SeedStage Stage, string? Blueprint);

/// <summary>What a seed went through, from the recorded events and the state at the end of every epoch.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Spans">Stages in order, without gaps, from the start of training to the last record.</param>
/// <param name="Germinations">How often a module was attached.</param>
internal sealed record StageHistory(SeedId Seed, ImmutableArray<StageSpan> Spans, int Germinations)
{
    /// <summary>Whether the seed ever had a module.</summary>
    public bool EverGrew => Germinations > 0 || Spans.Any(s => s.Stage != SeedStage.Dormant);

    /// <summary>Histories of all seeds of the lattice, in order.</summary>
    /// <param name="record">The run.</param>
    /// <param name="end">End of the record in epochs.</param>
    public static ImmutableArray<StageHistory> Of(RunRecord record, double end)
    {
        ILookup<SeedId, LifecycleEvent> events = record.Events.Where(e => e.From != e.To).ToLookup(e => e.Seed);
        ILookup<SeedId, (long Step, SeedReport Report)> reports =
            record.Epochs.SelectMany(e => e.Seeds.Select(s => (e.Step, Report: s))).ToLookup(p => p.Report.Seed);
        return
        [
            .. record.Info.Sites
                .SelectMany(site => Enumerable.Range(0, site.SeedChannels.Length).Select(i => new SeedId(site.Index, i)))
                .Select(seed => Of(seed, [.. events[seed]], [.. reports[seed]], record.Info.StepsPerEpoch, end)),
        ];
    }

    private static StageHistory Of(
        SeedId seed, LifecycleEvent[] events, (long Step, SeedReport Report)[] reports, int stepsPerEpoch, double end)
    {
        // An epoch's report counts where no event of the same moment does: it shows what a restore changed without an
        // event.
        HashSet<long> eventSteps = [.. events.Select(e => e.Step)];
        IEnumerable<(long Step, SeedStage Stage, string? Blueprint)> changes = events
            .Select(e => (e.Step, e.To, e.To.HasModule() ? e.Blueprint : null))
            .Concat(reports.Where(r => !eventSteps.Contains(r.Step)).Select(r => (r.Step, r.Report.Stage, r.Report.Blueprint)))
            .OrderBy(c => c.Step);

        ImmutableArray<StageSpan>.Builder spans = ImmutableArray.CreateBuilder<StageSpan>();
        StageSpan current = new(0, 0, events.Length > 0 ? events[0].From : SeedStage.Dormant, null);
        foreach ((long step, SeedStage stage, string? blueprint) in changes)
        {
            double moment = step / (double)stepsPerEpoch;
            string? name = blueprint ?? (stage.HasModule() ? current.Blueprint : null);
            if (stage == current.Stage)
            {
                current = current with { Blueprint = name };
                continue;
            }

            Add(spans, current with { End = moment });
            current = new StageSpan(moment, moment, stage, name);
        }

        Add(spans, current with { End = Math.Max(end, current.Start) });
        return new StageHistory(seed, spans.ToImmutable(), events.Count(e => e.To == SeedStage.Germinated));
    }

    private static void Add(ImmutableArray<StageSpan>.Builder spans, StageSpan span)
    {
        if (span.End > span.Start)
        {
            spans.Add(span);
        }
    }
}
