using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Data;
using Esper.Kasmina.Execution;
using Esper.Kasmina.Lifecycle;
using Esper.Native;
using Esper.Tolaria.Optimization;

namespace Esper.Tolaria.Training;

/// <summary>
/// Counterfactual gains of grafts: the run goes on with and without each, on the same batches, for a while; then the validation
/// examples are compared. Session and loader come out where they were.
/// </summary>
internal sealed class SeedForks(Workbench bench, SeedLifecycle lifecycle, LearningRateSchedule schedule)
{
    /// <summary>Forks beyond the first read training data in an order of their own, far from any epoch of training.</summary>
    private const int ForkEpochs = 1 << 21;

    /// <summary>Training operations of the last measurement, over all branches.</summary>
    public double Flops { get; private set; }

    /// <summary>What seeds with a blended module are worth: the run without any one of them against the run as it is.</summary>
    /// <param name="seeds">The seeds.</param>
    /// <param name="from">Where training goes on.</param>
    /// <param name="step">Steps done.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>For each seed its gain; null where a branch did not stay finite, so that there is nothing to compare.</returns>
    public ImmutableArray<GainEstimate?> WorthOf(
        ImmutableArray<SeedId> seeds, LoaderPosition from, long step, CancellationToken cancellation)
    {
        Branch[] without = [.. seeds.Select(seed => new Branch(session => session.Release(seed), -lifecycle.CostOf(seed).Flops))];
        return Compare(without, from, step, branchIsWith: false, cancellation);
    }

    /// <summary>What a module would be worth if it were blended now: the run with it against the run as it is.</summary>
    /// <param name="arms">Seeds without a module, each with a blueprint.</param>
    /// <param name="from">Where training goes on.</param>
    /// <param name="step">Steps done.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>For each arm its gain; null where a branch did not stay finite.</returns>
    public ImmutableArray<GainEstimate?> PromiseOf(
        ImmutableArray<(SeedId Seed, string Blueprint)> arms, LoaderPosition from, long step, CancellationToken cancellation)
    {
        Branch[] with = [.. arms.Select(arm => Graft(arm.Seed, arm.Blueprint))];
        return Compare(with, from, step, branchIsWith: true, cancellation);
    }

    private Branch Graft(SeedId seed, string blueprint)
    {
        (LatticeSeed description, float[] parameters) = lifecycle.Trial(seed, blueprint);
        return new Branch(
            session => session.Germinate(seed, description, parameters), lifecycle.CostAt(seed, blueprint).Flops);
    }

    private ImmutableArray<GainEstimate?> Compare(
        Branch[] changed, LoaderPosition from, long step, bool branchIsWith, CancellationToken cancellation)
    {
        Flops = 0;
        if (changed.Length == 0)
        {
            return [];
        }

        int orders = bench.Config.Lifecycle.ForkOrders;
        Branch[] branches = [new Branch(static _ => { }, 0), .. changed];
        List<ImmutableArray<Evaluation?>> forks = [];
        LoaderPosition? before = bench.Data.Train.Position;
        try
        {
            for (int order = 0; order < orders; order++)
            {
                LoaderPosition start = order == 0 ? from : new LoaderPosition(ForkEpochs + (from.Epoch * orders) + order, 0);
                forks.Add(Fork.Run(
                    bench.Session, Course(start, step, cancellation), [.. branches.Select(branch => branch.Change)], cancellation));
            }
        }
        finally
        {
            if (before is { } position)
            {
                bench.Data.Train.StartEpoch(position.Epoch, position.Batch);
            }
        }

        double examples = orders
            * ((3.0 * bench.Config.Lifecycle.ForkSteps * bench.Config.Batch) + bench.Data.Validation.ExamplesPerEpoch);
        Flops = branches.Sum(branch => examples * (bench.HostCost.ForwardFlops + lifecycle.TotalCost.Flops + branch.ExtraFlops));
        return [.. Enumerable.Range(1, changed.Length).Select(branch => Gain(forks, branch, branchIsWith))];
    }

    private ForkCourse Course(LoaderPosition start, long step, CancellationToken cancellation) => new()
    {
        Steps = bench.Config.Lifecycle.ForkSteps,
        LearningRate = i => schedule.At(step + i),
        MaximumGradientNorm = bench.Config.Optimizer.ClipNorm!.Value,
        Training = () => BatchTensors.Onwards(bench.Data.Train, start, cancellation),
        Validation = () => BatchTensors.Stream(bench.Data.Validation, 0, cancellation),
    };

    private static GainEstimate? Gain(List<ImmutableArray<Evaluation?>> forks, int branch, bool branchIsWith)
    {
        List<(Evaluation With, Evaluation Without)> pairs = [];
        foreach (ImmutableArray<Evaluation?> fork in forks)
        {
            if (fork[0] is not { } unchanged || fork[branch] is not { } changed)
            {
                return null;
            }

            pairs.Add(branchIsWith ? (changed, unchanged) : (unchanged, changed));
        }

        return ForkEstimate.Of(pairs);
    }

    /// <param name="Change">The change that a branch begins with.</param>
    /// <param name="ExtraFlops">Forward operations an example that the change adds.</param>
    private sealed record Branch(Action<HostSession> Change, double ExtraFlops);
}
