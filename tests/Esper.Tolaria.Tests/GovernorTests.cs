using System.Collections.Immutable;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Kasmina.Lifecycle;
using Esper.Native;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Training;

namespace Esper.Tolaria.Tests;

/// <summary>What the governor takes for a fault, and what not.</summary>
public sealed class GovernorTests
{
    private static readonly GovernorConfig Config = new() { LossWindow = 20, LossDeviations = 10, LossMargin = 0.5, LossPatience = 3, ProbationSteps = 8 };

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(0.5)]
    public void A_step_that_is_not_finite_is_a_fault_at_once(double loss)
    {
        Governor governor = new(Config, 10, warmupSteps: 100);
        GovernorFault fault = governor.Judge(3, Step(loss) with { Finite = false })!;
        Assert.Equal((RollbackCause.NotFinite, 3L, 3L), (fault.Cause, fault.FirstStep, fault.Step));
        Assert.StartsWith("step 4: loss ", fault.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_bound_is_median_and_robust_deviation_by_hand()
    {
        Governor governor = new(Config, 10, 0);
        double[] losses = [1.0, 1.1, 0.9, 1.2, 0.8, 1.3, 0.7, 1.4, 0.6];
        Feed(governor, 0, losses);
        Assert.Null(governor.Bound());
        Feed(governor, 9, [1.0]);

        // Median 1.0; absolute deviations 0, 0, .1, .1, .2, .2, .3, .3, .4, .4: median 0.2.
        Assert.Equal(1 + (10 * 1.4826 * 0.2), governor.Bound()!.Value, 9);
    }

    [Fact]
    public void Losses_that_hardly_vary_leave_a_margin()
    {
        Governor governor = Settled(Config, 0.01);
        Assert.Equal(0.51, governor.Bound()!.Value, 9);
        Assert.Null(governor.Judge(20, Step(0.5)));
    }

    [Fact]
    public void An_explosion_is_a_fault_after_the_patience_and_a_spike_is_none()
    {
        Governor governor = Settled(Config, 1);
        Assert.Null(governor.Judge(20, Step(50)));
        Assert.Null(governor.Judge(21, Step(50)));
        Assert.Null(governor.Judge(22, Step(1)));
        Assert.Null(governor.Judge(23, Step(60)));
        Assert.Null(governor.Judge(24, Step(70)));
        GovernorFault fault = governor.Judge(25, Step(80))!;
        Assert.Equal((RollbackCause.LossOutOfBounds, 22L, 25L), (fault.Cause, fault.FirstStep, fault.Step));
        Assert.Contains("above 1.5 for 3 steps", fault.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_out_of_bounds_does_not_move_the_bounds()
    {
        Governor governor = Settled(Config with { LossPatience = 1000 }, 1);
        double before = governor.Bound()!.Value;
        Feed(governor, 20, Enumerable.Repeat(99.0, 50));
        Assert.Equal(before, governor.Bound());
    }

    [Fact]
    public void Warming_up_is_not_judged_and_neither_are_losses_when_switched_off()
    {
        Governor warming = new(Config, 10, warmupSteps: 1000);
        Feed(warming, 0, Enumerable.Repeat(1.0, 20));
        Feed(warming, 20, [9, 99, 999, 9999]);
        Governor off = Settled(Config with { LossDeviations = 0 }, 1);
        Assert.Null(off.Bound());
        Feed(off, 20, [9, 99, 999, 9999]);
    }

    [Fact]
    public void Slow_growth_of_the_loss_is_followed()
    {
        Governor governor = new(Config, 10, 0);
        Feed(governor, 0, Enumerable.Range(0, 200).Select(step => 0.2 + (0.02 * step)));
    }

    [Theory]
    [InlineData(0.9, 0.2, false)]
    [InlineData(0.9, 0.17, true)]
    [InlineData(0.9, 0.05, true)]
    [InlineData(0.18, 0.1, false)]
    public void Accuracy_that_falls_back_to_guessing_is_a_collapse(double best, double now, bool fault)
    {
        // 10 classes: guessing gives 0.1, and 0.18 the best keeps of 0.9 when 90 % of the lead are lost.
        Governor governor = new(Config, 10, 0);
        ImmutableArray<EpochObservation> history = [new(1, 1, 0.5, 1, best / 2), new(2, 1, 0.5, 1, best), new(3, 1, 0.5, 1, 0.5 * best)];
        GovernorFault? found = governor.Judge(history, 2.3, now, 300, 400);
        Assert.Equal(fault, found is not null);
        if (found is not null)
        {
            Assert.Equal((RollbackCause.Collapse, 300L, 400L), (found.Cause, found.FirstStep, found.Step));
        }

        Assert.Null(new Governor(Config with { CollapseShare = 0 }, 10, 0).Judge(history, 2.3, now, 300, 400));
        Assert.NotNull(governor.Judge([], double.NaN, 0.9, 0, 100));
    }

    [Fact]
    public void Blame_falls_on_seeds_first_then_on_the_batches_then_on_the_rate()
    {
        Governor governor = Settled(Config, 1);
        SeedArm arm = new(1, "affine");
        Assert.Contains("affine at site 1", governor.Note(Fault(40), [arm]), StringComparison.Ordinal);
        Assert.Equal(1, governor.RateScale);
        Assert.False(governor.Skips(40));

        GovernorFault later = Fault(60);
        Assert.False(governor.Returned(later));
        governor.Note(later, []);
        Assert.True(governor.Skips(60));
        Assert.False(governor.Skips(61));
        Assert.Equal(1, governor.RateScale);

        GovernorFault again = Fault(63);
        Assert.True(governor.Returned(again));
        governor.Note(again, []);
        Assert.Equal(Config.RateBackoff, governor.RateScale);
        Assert.False(governor.Skips(63));
        Assert.Equal(3, governor.State.Faults.Length);
    }

    [Fact]
    public void Watch_tells_of_losses_out_of_bounds_and_of_the_time_since_a_fault()
    {
        Governor governor = Settled(Config, 1);
        Assert.Equal(new FaultWatch(0, null, Config.ProbationSteps), governor.Watch(20));
        governor.Judge(20, Step(50));
        Assert.Equal(1, governor.Watch(21).StepsOutOfBounds);
        governor.Judge(21, Step(1));
        Assert.Equal(0, governor.Watch(22).StepsOutOfBounds);
        governor.Note(Fault(30), []);
        Assert.Equal(0, governor.Watch(25).StepsSinceFault);
        Assert.Equal(8, governor.Watch(38).StepsSinceFault);
    }

    [Fact]
    public void Acquitted_seeds_leave_the_blame_to_the_batches()
    {
        Governor governor = Settled(Config, 1);
        string remedy = governor.Note(Fault(40), [], acquitted: true);
        Assert.Contains("live seeds stay", remedy, StringComparison.Ordinal);
        Assert.True(governor.Skips(40));
        Assert.Equal(1, governor.RateScale);
    }

    [Fact]
    public void A_loaded_governor_judges_as_the_saved_one()
    {
        Governor saved = Settled(Config, 1);
        saved.Note(Fault(5), [new SeedArm(0, "affine")]);
        saved.Judge(20, Step(50));
        saved.Judge(21, Step(50));
        Governor loaded = new(Config, 10, 0);
        loaded.Load(saved.State);
        Assert.Equal(saved.Bound(), loaded.Bound());
        Assert.Equal(saved.Judge(22, Step(50)), loaded.Judge(22, Step(50)));
        Assert.Equal(saved.Watch(30), loaded.Watch(30));
    }

    private static Governor Settled(GovernorConfig config, double loss)
    {
        Governor governor = new(config, 10, 0);
        Feed(governor, 0, Enumerable.Repeat(loss, 20));
        return governor;
    }

    private static void Feed(Governor governor, long first, IEnumerable<double> losses)
    {
        foreach (double loss in losses)
        {
            Assert.Null(governor.Judge(first++, Step(loss)));
        }
    }

    private static GovernorFault Fault(long step) => new(RollbackCause.NotFinite, step, step, $"fault at {step}");

    private static StepResult Step(double loss) => new() { Finite = true, Loss = loss };
}
