using Esper.Cli.Display;
using Esper.Contracts.Lifecycle;
using Spectre.Console;
using LiveDisplay = Esper.Cli.Display.LiveDisplay;

namespace Esper.Cli.Tests.Display;

public sealed class PlainDisplayTests
{
    [Fact]
    public void A_run_is_a_line_an_epoch_and_a_line_an_event()
    {
        StringWriter output = new();
        PlainDisplay display = new(output);
        display.OnStarted(SampleReports.Info());
        display.OnStep(SampleReports.Step(1));
        display.OnEpoch(SampleReports.Epoch(9, 0.5));
        display.OnLifecycle(SampleReports.Event(SeedStage.Training, SeedStage.Blending));
        display.OnLifecycle(SampleReports.Event(SeedStage.Training, SeedStage.Training, passed: false));
        display.OnEpoch(SampleReports.Epoch(10, 1));

        Assert.Equal(
            [
                "run    resnet8-cifar10-0007: resnet8 on cifar10, policy thompson, cpu, 2 threads, seed 7, 78,042 parameters",
                "epoch   9/20  loss  1.2345  train  50.00 %  validation  50.00 %  lr 0.1        parameters      78,234     20.84 ms/step     11.4 s",
                "event  epoch 3, step 34      seed 1.2  Training -> Blending    lowrank-8  G2 passed  The signal is present.",
                "event  epoch 3, step 34      seed 1.2  Training refused        lowrank-8  G2 failed  The signal is present.",
                "epoch  10/20  loss  1.2345  train  50.00 %  validation 100.00 %  lr 0.1        parameters      78,234     20.84 ms/step     11.4 s",
                string.Empty,
            ],
            output.ToString().Split(Environment.NewLine));
    }

    [Fact]
    public void A_decision_that_failed_is_a_line()
    {
        StringWriter output = new();
        new PlainDisplay(output).OnDecisionFailed(new Contracts.Runs.DecisionFailure(
            DateTimeOffset.UnixEpoch, 3, 120, "bandit", 250, 2, 3, "asked what to do, the policy did not answer within 250 ms"));
        Assert.Equal(
            "failed policy bandit, epoch 3, step 120: decision failed (2 of 3 in a row that end the run): "
            + $"asked what to do, the policy did not answer within 250 ms{Environment.NewLine}",
            output.ToString());
    }

    [Fact]
    public void Nothing_written_is_an_escape()
    {
        StringWriter output = new();
        PlainDisplay display = new(output);
        display.OnStarted(SampleReports.Info(host: "evil\u001b[2J\nsecond line"));
        display.OnLifecycle(SampleReports.Event(SeedStage.Training, SeedStage.Blending, reason: "a\u001b[31m\r\nb"));
        display.OnFinished(SampleReports.Summary());
        Assert.DoesNotContain('\u001b', output.ToString());
        Assert.Equal(1, output.ToString().Split(Environment.NewLine).Count(l => l.StartsWith("event", StringComparison.Ordinal)));
        Assert.DoesNotContain(output.ToString().Split(Environment.NewLine), l => l.StartsWith("second", StringComparison.Ordinal));
    }

    [Fact]
    public void A_terminal_gets_the_live_display_and_a_pipe_the_plain_one()
    {
        ManualClock clock = new();
        Assert.IsType<PlainDisplay>(RunDisplay.Create(new TestTerminal(80, 30).Console, clock));
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, Out = new TerminalOutput() });
        using LiveDisplay live = Assert.IsType<LiveDisplay>(RunDisplay.Create(terminal, clock));
        IAnsiConsole dumb = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new TerminalOutput() });
        Assert.IsType<PlainDisplay>(RunDisplay.Create(dumb, clock));
    }

    private sealed class TerminalOutput : IAnsiConsoleOutput
    {
        public TextWriter Writer { get; } = new StringWriter();

        public bool IsTerminal => true;

        public int Width => 80;

        public int Height => 30;

        public void SetEncoding(System.Text.Encoding encoding)
        {
        }
    }
}
