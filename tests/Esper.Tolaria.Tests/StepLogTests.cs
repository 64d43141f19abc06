using Esper.Contracts.Control;
using Esper.Tolaria.Training;

namespace Esper.Tolaria.Tests;

public sealed class StepLogTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(199)]
    [InlineData(200)]
    [InlineData(201)]
    [InlineData(777)]
    public void Holds_the_last_steps_in_order_and_can_be_put_back(int count)
    {
        StepObservation[] steps = [.. Enumerable.Range(0, count).Select(i => new StepObservation(i, 0.5, 1))];
        StepLog log = new();
        foreach (StepObservation step in steps)
        {
            log.Add(step);
        }

        StepObservation[] last = steps[^Math.Min(count, 200)..];
        Assert.Equal(last, log.Save().ToArray());
        StepLog again = new();
        again.Add(new StepObservation(-1, 0, 0));
        again.Load(log.Save());
        Assert.Equal(last, again.Save().ToArray());
        again.Add(new StepObservation(9, 0, 0));
        log.Add(new StepObservation(9, 0, 0));
        Assert.Equal(log.Windows().AsEnumerable(), again.Windows());
    }
}
