using Esper.Cli.Display;

namespace Esper.Cli.Tests.Display;

public sealed class SummaryViewTests
{
    private static readonly string[] Completed =
    [
        "completed  resnet8-cifar10-0007  resnet8 on cifar10, policy thompson, seed 7",
        "test accuracy         87.25 %  loss 0.41",
        "validation accuracy   88.00 %  best 90.00 %",
        "parameters            78,234  from 78,042",
        "training operations   9.83 TFLOP",
        "time                  4 min 34 s  20.84 ms/step (median), 20 epochs",
        "digest                " + new string('a', 64),
        "directory             runs/0007",
        string.Empty,
        "site         seed  stage       blueprint  alpha  parameters  gain, percentage points",
        "stage1/relu     0  Fossilized  lowrank-8   1.00          64  +0.40 ± 0.18",
        "stage1/relu     1  Embargoed   -           0.00           0  not measured",
        "1 of 3 seeds are dormant",
    ];

    [Fact]
    public void The_plain_result_is_a_table()
    {
        StringWriter output = new();
        SummaryView.Write(SampleReports.Summary(), output);
        Assert.Equal([.. Completed, string.Empty], output.ToString().Split(Environment.NewLine));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(40)]
    public void A_terminal_shows_the_same_and_cuts_nothing(int width)
    {
        TestTerminal terminal = new(width, 30, unicode: false);
        SummaryView.Write(SampleReports.Summary(), terminal.Console);
        Assert.Equal([.. Completed, string.Empty], terminal.Screen);
        Assert.Contains("38;2;0;158;115m", terminal.Raw, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interrupted_run_says_what_was_not_read_and_how_to_go_on()
    {
        StringWriter output = new();
        SummaryView.Write(SampleReports.Summary(completed: false), output);
        Assert.StartsWith("interrupted", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("test accuracy         not read  the run was interrupted", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("continue with --resume runs/0007", output.ToString(), StringComparison.Ordinal);
    }
}
