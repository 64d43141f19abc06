using Esper.Cli.Display;
using Esper.Contracts.Lifecycle;
using Esper.Nissa;

namespace Esper.Cli.Tests.Display;

public sealed class LiveDisplayTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void A_frame_shows_progress_rates_accuracy_lattice_and_events()
    {
        TestTerminal terminal = new(100, 40);
        using LiveDisplay display = new(terminal.Console, _clock);
        display.OnStarted(SampleReports.Info());
        for (int step = 1; step <= 25; step++)
        {
            _clock.Advance(0.5);
            display.OnStep(SampleReports.Step(step));
        }

        display.OnLifecycle(SampleReports.Event(SeedStage.Dormant, SeedStage.Germinated));
        display.OnEpoch(SampleReports.Epoch(1, 0.50));
        display.OnEpoch(SampleReports.Epoch(2, 0.75, SampleReports.Seed(0, 0, SeedStage.Fossilized, 1), SampleReports.Seed(1, 1, SeedStage.Blending, 0.5)));
        display.OnLifecycle(SampleReports.Event(SeedStage.Training, SeedStage.Training, passed: false, reason: "No signal yet."));
        _clock.Advance(0.5);
        display.OnStep(SampleReports.Step(26));

        string[] screen = [.. terminal.Screen];
        Assert.Equal("resnet8 on cifar10 · thompson · cpu, 2 threads · resnet8-cifar10-0007", screen[0]);
        Assert.StartsWith("epoch 3/20 ", screen[1], StringComparison.Ordinal);
        Assert.EndsWith("  60 %  step 6/10", screen[1], StringComparison.Ordinal);
        // 26 of 200 steps in 13 s, so 174 steps at 2 a second are left.
        Assert.EndsWith("  13 %  1:27 left, 0:13 gone", screen[2], StringComparison.Ordinal);
        Assert.Contains("loss 1.2500  lr 0.1  2 steps/s  256 examples/s", screen[3], StringComparison.Ordinal);
        Assert.Contains("75.00 %  best 75.00 % at 2  ▁█", screen[4], StringComparison.Ordinal);
        Assert.Equal("stage1/relu  F  ·  ·  ·", screen[6]);
        Assert.Equal("stage2/relu  ·  B▅ T  ·", screen[7]);
        Assert.Contains("· Dormant  T Training  B Blending  F Fossilized", screen[8], StringComparison.Ordinal);
        Assert.Contains("seed 1.2  Dormant → Germinated    lowrank-8  G2 passed  The signal is present.", screen[10], StringComparison.Ordinal);
        Assert.Contains("seed 1.2  Training refused        lowrank-8  G2 failed  No signal yet.", screen[11], StringComparison.Ordinal);
    }

    [Fact]
    public void Frames_replace_one_another_in_place()
    {
        TestTerminal terminal = new(80, 40);
        using LiveDisplay display = new(terminal.Console, _clock);
        display.OnStarted(SampleReports.Info());
        int rows = terminal.Screen.Count;
        for (int step = 1; step <= 50; step++)
        {
            _clock.Advance(1);
            display.OnStep(SampleReports.Step(step));
        }

        Assert.Equal(rows, terminal.Screen.Count);
        Assert.Single(terminal.Screen, l => l.StartsWith("epoch ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_notice_joins_the_frame_and_leaves_no_stale_lines()
    {
        TestTerminal terminal = new(100, 40);
        using LiveDisplay display = new(terminal.Console, _clock);
        display.OnStarted(SampleReports.Info());
        int rows = terminal.Screen.Count;
        display.Announce("interrupted: finishing the step in flight");
        _clock.Advance(1);
        display.OnStep(SampleReports.Step(1));
        Assert.Equal(rows + 1, terminal.Screen.Count);
        Assert.Equal("interrupted: finishing the step in flight", terminal.Screen[5]);
        Assert.Single(terminal.Screen, l => l.StartsWith("epoch ", StringComparison.Ordinal));
    }

    [Fact]
    public void It_is_drawn_at_most_eight_times_a_second()
    {
        TestTerminal terminal = new(80, 40);
        using LiveDisplay display = new(terminal.Console, _clock);
        display.OnStarted(SampleReports.Info());
        for (int step = 1; step <= 200; step++)
        {
            _clock.Advance(0.01);
            display.OnStep(SampleReports.Step(step));
        }

        // Two seconds: the first frame at 0, then one each 125 ms, which steps of 10 ms meet at 130 ms.
        Assert.Equal(1 + 15, display.Frames);
    }

    [Theory]
    [InlineData(60, 30, 3, 40)]
    [InlineData(60, 10, 5, 40)]
    [InlineData(24, 6, 5, 200)]
    [InlineData(8, 3, 2, 4)]
    [InlineData(1, 1, 2, 4)]
    [InlineData(200, 60, 3, 45)]
    [InlineData(80, 24, 0, 0)]
    public void No_line_is_wider_and_no_frame_higher_than_the_terminal(int width, int height, int sites, int seeds)
    {
        foreach (bool unicode in new[] { true, false })
        {
            TestTerminal terminal = new(width, height, unicode: unicode);
            using LiveDisplay display = new(terminal.Console, _clock);
            display.OnStarted(SampleReports.Info(Math.Max(sites, 2), Math.Max(seeds, 3)) with { Sites = SampleReports.Info(sites, seeds).Sites });
            for (int step = 1; step <= 30; step++)
            {
                _clock.Advance(1);
                display.OnStep(SampleReports.Step(step));
                display.OnLifecycle(SampleReports.Event(SeedStage.Training, SeedStage.Blending, reason: new string('x', 300)));
            }

            display.OnEpoch(SampleReports.Epoch(3, 0.5));
            _clock.Advance(1);
            display.OnStep(SampleReports.Step(31));
            Assert.All(terminal.Screen, line => Assert.True(line.Length < width || width == 1, line));
            Assert.True(terminal.Screen.Count < Math.Max(2, height), $"{terminal.Screen.Count} lines");
        }
    }

    [Fact]
    public void A_site_too_wide_for_the_terminal_wraps_and_shows_every_seed()
    {
        TestTerminal terminal = new(60, 30);
        using LiveDisplay display = new(terminal.Console, _clock);
        display.OnStarted(SampleReports.Info(sites: 1, seeds: 100));
        // Five lines of progress and a blank one stand above the map, the legend below it.
        Assert.Equal(100, terminal.Screen.Skip(6).SkipLast(1).Sum(line => line.Count(c => c == '·')));
    }

    [Fact]
    public void Stages_have_the_colours_of_the_report_and_none_without_colour()
    {
        TestTerminal colored = new(80, 30), plain = new(80, 30, color: false);
        foreach (TestTerminal terminal in new[] { colored, plain })
        {
            using LiveDisplay display = new(terminal.Console, _clock);
            display.OnStarted(SampleReports.Info());
            display.OnLifecycle(SampleReports.Event(SeedStage.Training, SeedStage.Blending));
            _clock.Advance(1);
            display.OnStep(SampleReports.Step(1));
        }

        Assert.Equal("#e69f00", StagePalette.Of(SeedStage.Blending).Color);
        Assert.Contains("48;2;230;159;0m", colored.Raw, StringComparison.Ordinal);
        Assert.DoesNotContain("38;2;", plain.Raw, StringComparison.Ordinal);
        Assert.DoesNotContain("48;2;", plain.Raw, StringComparison.Ordinal);
        Assert.Contains(plain.Screen, l => l.StartsWith("stage2/relu  ·  ·  B", StringComparison.Ordinal));
    }

    [Fact]
    public void A_resumed_run_counts_from_where_it_stands()
    {
        TestTerminal terminal = new(100, 30);
        using LiveDisplay display = new(terminal.Console, _clock);
        display.OnStarted(SampleReports.Info(firstEpoch: 11));
        Assert.Contains("  50 %  measuring, 0:00 gone", terminal.Screen[2], StringComparison.Ordinal);
        _clock.Advance(5);
        display.OnStep(SampleReports.Step(110));
        // Ten steps in five seconds; ninety are left.
        Assert.Contains("  55 %  0:45 left, 0:05 gone", terminal.Screen[2], StringComparison.Ordinal);
    }

    [Fact]
    public void The_cursor_comes_back_at_the_end_and_after_a_failure()
    {
        TestTerminal failed = new(80, 30), ended = new(80, 30);
        new LiveDisplay(failed.Console, _clock).Dispose();
        Assert.Empty(failed.Raw);
        using (LiveDisplay display = new(failed.Console, _clock))
        {
            display.OnStarted(SampleReports.Info());
        }

        Assert.EndsWith("\u001b[?25h", failed.Raw, StringComparison.Ordinal);
        LiveDisplay whole = new(ended.Console, _clock);
        whole.OnStarted(SampleReports.Info());
        whole.OnFinished(SampleReports.Summary());
        int length = ended.Raw.Length;
        whole.Dispose();
        Assert.Equal(length, ended.Raw.Length);
        Assert.Contains("\u001b[?25h", ended.Raw, StringComparison.Ordinal);
        Assert.Contains(ended.Screen, l => l.Contains("test accuracy         87.25 %", StringComparison.Ordinal));
    }

    [Fact]
    public void Escapes_in_a_name_do_not_reach_the_terminal()
    {
        TestTerminal terminal = new(80, 30);
        using LiveDisplay display = new(terminal.Console, _clock);
        display.OnStarted(SampleReports.Info(host: "evil\u001b[2J\n\u009b2J"));
        Assert.DoesNotContain("\u001b[2J", terminal.Raw, StringComparison.Ordinal);
        Assert.StartsWith("evil [2J  2J on cifar10", terminal.Screen[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_before_the_start_is_an_error()
    {
        using LiveDisplay display = new(new TestTerminal(80, 30).Console, _clock);
        Assert.Throws<InvalidOperationException>(() => display.OnStep(SampleReports.Step(1)));
    }
}
