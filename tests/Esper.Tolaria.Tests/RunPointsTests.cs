using Esper.Contracts.Runs;
using Esper.Graph;
using Esper.Kasmina.Execution;
using Esper.Native;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Training;

namespace Esper.Tolaria.Tests;

/// <summary>Which points are kept, and which one a run goes back to.</summary>
public sealed class RunPointsTests : IDisposable
{
    private const int StepsPerEpoch = 40;
    private readonly HostSession _session = HostSession.Create(
        HostTranslation.Describe(HostPresets.Create("mlp:4", new ImageInput(1, 2, 2, 2)).Graph, 1), new HostSessionOptions { Threads = 1 });

    public void Dispose() => _session.Dispose();

    [Fact]
    public void Only_what_survived_its_probation_is_gone_back_to()
    {
        using RunPoints points = Upto(60, probation: 25, kept: 2);
        Assert.Equal(30, points.Target(Step(60), false).Step);
        Assert.Equal(30, points.Target(Step(55), false).Step);
        Assert.Equal(20, points.Target(Step(54), false).Step);
    }

    [Fact]
    public void Good_points_beyond_the_number_kept_are_let_go_and_their_memory_is_freed()
    {
        using RunPoints points = new(25, 2, 0);
        List<RunPoint> all = [];
        for (long step = 0; step <= 70; step += 10)
        {
            all.Add(Point(step, trusted: step == 0));
            points.Add(all[^1]);
        }

        // Good at step 70 are those up to 45; the start of the second epoch is one of the two kept.
        Assert.Equal([30L, 40L, 50L, 60L, 70L], points.Steps);
        Assert.Throws<ObjectDisposedException>(() => all[1].Session.Bytes);
        Assert.True(all[4].Session.Bytes > 0);
    }

    [Fact]
    public void The_last_validated_point_is_kept_for_a_collapse()
    {
        using RunPoints points = Upto(75, probation: 10, kept: 1);
        Assert.Equal([40L, 60L, 70L], points.Steps);
        Assert.Equal(60, points.Target(Step(79), false).Step);
        Assert.Equal(40, points.Target(new GovernorFault(RollbackCause.Collapse, 40, 80, "collapse"), false).Step);
    }

    [Fact]
    public void The_beginning_is_good_until_something_better_is()
    {
        using RunPoints points = Upto(20, probation: 25, kept: 1);
        Assert.Equal(0, points.Target(Step(3), false).Step);
        Assert.Equal(0, points.Target(Step(20), false).Step);
        Assert.Equal(0, points.Target(Step(20), true).Step);
    }

    [Fact]
    public void A_fault_that_returns_goes_back_further_where_that_is_possible()
    {
        using RunPoints points = Upto(60, probation: 25, kept: 2);
        Assert.Equal(30, points.Target(Step(60), returned: false).Step);
        Assert.Equal(20, points.Target(Step(60), returned: true).Step);
    }

    [Fact]
    public void A_fault_whose_first_sign_lies_back_finds_a_good_point_too()
    {
        // At step 60 the point of step 30 has survived 30 steps; a fault that is certain now began at 54 already.
        using RunPoints points = Upto(60, probation: 25, kept: 1, patience: 6);
        Assert.Equal(20, points.Target(Step(54), false).Step);
    }

    [Fact]
    public void Going_back_replaces_what_lies_behind()
    {
        using RunPoints points = Upto(60, probation: 25, kept: 2);
        RunPoint target = points.Target(Step(60), false);
        points.Replace(target, Point(30, trusted: true));
        Assert.Equal(30, points.Steps.Last());
        Assert.Equal(30, points.Target(Step(31), false).Step);
        points.Add(Point(40));
        Assert.Throws<InvalidOperationException>(() => points.Add(Point(40)));
    }

    [Fact]
    public void The_first_point_must_be_trusted()
    {
        using RunPoints points = new(25, 2, 0);
        using RunPoint point = Point(0);
        Assert.Throws<InvalidOperationException>(() => points.Add(point));
    }

    private static GovernorFault Step(long firstSign) => new(RollbackCause.LossOutOfBounds, firstSign, firstSign + 2, "loss");

    private RunPoints Upto(long last, int probation, int kept, int patience = 0)
    {
        RunPoints points = new(probation, kept, patience);
        for (long step = 0; step <= last; step += 10)
        {
            points.Add(Point(step, trusted: step == 0));
        }

        return points;
    }

    private RunPoint Point(long step, bool trusted = false)
    {
        EpochProgress progress = EpochProgress.Empty with { Steps = (int)(step % StepsPerEpoch) };
        RunState state = new("run", (int)(step / StepsPerEpoch), step, progress, 0, 0, [], [], [], GovernorState.Empty, 0);
        return new RunPoint(_session.TakeSnapshot(), state, trusted);
    }
}
