using Esper.Contracts.Runs;

namespace Esper.Nissa.Tests;

public sealed class CompositeObserverTests
{
    [Fact]
    public void Everybody_hears_everything()
    {
        Collector first = new(), second = new();
        SampleRun run = new() { Epochs = 10 };
        run.Play(new CompositeObserver(first, second));
        Assert.Equal(10, first.Epochs.Count);
        Assert.Equal(first.Epochs, second.Epochs);
        Assert.Equal(first.Steps, second.Steps);
        Assert.Equal(first.Events, second.Events);
        Assert.Equal(10, first.Decisions.Count);
        Assert.Equal(first.Decisions, second.Decisions);
        Assert.Same(first.Info, second.Info);
        Assert.Same(first.Summary, second.Summary);
    }

    [Fact]
    public void One_that_throws_costs_the_others_nothing()
    {
        Collector last = new();
        CompositeObserver all = new(new Broken("first"), new Broken("second"), last);
        RunInfo info = new SampleRun().Info;
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => all.OnStarted(info));
        Assert.Equal("first", error.Message);
        Assert.Same(info, last.Info);
    }

    private sealed class Broken(string message) : IRunObserver
    {
        public void OnStarted(RunInfo info) => throw new InvalidOperationException(message);

        public void OnStep(in StepReport report) => throw new InvalidOperationException(message);

        public void OnLifecycle(LifecycleEvent change) => throw new InvalidOperationException(message);

        public void OnEpoch(EpochReport report) => throw new InvalidOperationException(message);

        public void OnFinished(RunSummary summary) => throw new InvalidOperationException(message);
    }
}
