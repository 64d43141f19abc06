using Esper.Tolaria.Training;

namespace Esper.Tolaria.Tests;

public sealed class RunLengthTests
{
    private static readonly RunLength Budget = new(1000, 30);

    [Fact]
    public void Without_a_budget_steps_count()
    {
        RunLength length = new(null, 30);
        Assert.Equal(77, length.MostSteps(10, 77));
        Assert.False(length.IsSpent(1e30));
        Assert.Equal(12, length.ScheduleStep(12, 1e30, 77));
        Assert.Equal(5, length.TotalEpochs(3, 1e30, 1, 5));
    }

    [Fact]
    public void A_budget_has_at_most_the_steps_of_the_bare_host()
    {
        Assert.Equal(34, Budget.MostSteps(10, 77));
        Assert.Equal(1, new RunLength(1, 30).MostSteps(10, 77));
        Assert.False(Budget.IsSpent(999.9));
        Assert.True(Budget.IsSpent(1000));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(500, 17)]
    [InlineData(999.9, 33)]
    [InlineData(1000, 34)]
    [InlineData(1200, 34)]
    public void The_schedule_follows_the_share_that_is_spent(double spent, long step) =>
        Assert.Equal(step, Budget.ScheduleStep(999, spent, 34));

    [Theory]
    [InlineData(0, 0, 100, 10)]
    [InlineData(4, 400, 100, 10)]
    [InlineData(4, 400, 250, 7)]
    [InlineData(9, 1010, 100, 9)]
    public void What_is_left_lasts_for_as_many_epochs_as_they_cost_now(int epoch, double spent, double epochFlops, int total) =>
        Assert.Equal(total, Budget.TotalEpochs(epoch, spent, epochFlops, 77));
}
