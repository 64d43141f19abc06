using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Tamiyo.Selection;

namespace Esper.Tamiyo.Bench;

/// <summary>What a strategy's selection costs.</summary>
/// <param name="Strategy">The strategy.</param>
/// <param name="Nanoseconds">Median over the samples of the time of one selection.</param>
/// <param name="Fastest">Shortest sample.</param>
/// <param name="AllocatedBytes">Bytes that one selection allocates.</param>
public sealed record SelectionTiming(string Strategy, double Nanoseconds, double Fastest, long AllocatedBytes);

/// <summary>Times selections of every strategy, samples of the strategies taken in turn.</summary>
public static class SelectionBenchmark
{
    /// <summary>Features of an arm, as many as the growth policies use.</summary>
    public const int Features = 13;

    private const int Samples = 31;
    private const int WarmUp = 5;
    private static readonly TimeSpan SampleTime = TimeSpan.FromMilliseconds(2);

    /// <summary>Measures.</summary>
    /// <param name="arms">Number of arms.</param>
    /// <param name="clock">The clock to measure with.</param>
    /// <param name="cancellation">Stops between samples.</param>
    public static ImmutableArray<SelectionTiming> Run(int arms, TimeProvider clock, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ISelectionStrategy[] strategies =
            [.. SelectionStrategies.Names.Select(name => SelectionStrategies.Create(name, new SelectionOptions { Discount = 0.999 }))];
        BanditEnvironment world = BanditEnvironment.Linear(arms, Features, 0.3, 1);
        int[] calls = new int[strategies.Length];
        List<double>[] samples = [.. strategies.Select(_ => new List<double>())];
        for (int i = 0; i < strategies.Length; i++)
        {
            Teach(strategies[i], world);
            calls[i] = CallsIn(SampleTime, strategies[i], clock);
        }

        for (int sample = -WarmUp; sample < Samples; sample++)
        {
            for (int i = 0; i < strategies.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                double time = Sample(strategies[i], calls[i], (ulong)(sample + WarmUp), clock).Nanoseconds / calls[i];
                if (sample >= 0)
                {
                    samples[i].Add(time);
                }
            }
        }

        return [.. strategies.Select((strategy, i) => new SelectionTiming(
            strategy.Name,
            Median(samples[i]),
            samples[i].Min(),
            Sample(strategy, calls[i], 0, clock).Allocated / calls[i]))];
    }

    /// <summary>A past with rewards, pulls under way, and arms never tried.</summary>
    private static void Teach(ISelectionStrategy strategy, BanditEnvironment world)
    {
        double[] features = new double[Features];
        strategy.Begin(world.Arms);
        for (int round = 0; round < 1000; round++)
        {
            int arm = KeyedRandom.Below(world.Arms.Count, (ulong)round);
            world.Arms.CopyFeatures(arm, features);
            strategy.Advance(1);
            strategy.Pull(arm, features);
            if (round % 10 != 0)
            {
                strategy.Settle(arm, features, world.Reward(arm, round));
            }
        }
    }

    private static int CallsIn(TimeSpan time, ISelectionStrategy strategy, TimeProvider clock)
    {
        // The first calls compile; what they take says nothing.
        Sample(strategy, 200, 0, clock);
        double one = Math.Max(1, Sample(strategy, 50, 1, clock).Nanoseconds / 50);
        return (int)Math.Clamp(time.TotalNanoseconds / one, 1, 100_000);
    }

    private static (double Nanoseconds, long Allocated) Sample(ISelectionStrategy strategy, int calls, ulong key, TimeProvider clock)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = clock.GetTimestamp();
        for (int call = 0; call < calls; call++)
        {
            // Time has passed since the last decision: linear models are solved anew, as they would be.
            strategy.Advance(0);
            strategy.Select(KeyedRandom.Bits(key, (ulong)call));
        }

        TimeSpan elapsed = clock.GetElapsedTime(start);
        return (elapsed.TotalNanoseconds, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
