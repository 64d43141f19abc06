namespace Esper.Cli.Tests;

public sealed class HelpTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("train")]
    [InlineData("eval")]
    [InlineData("report")]
    [InlineData("experiment")]
    [InlineData("replay")]
    [InlineData("bench")]
    [InlineData("hosts")]
    [InlineData("sites")]
    [InlineData("import")]
    [InlineData("run")]
    [InlineData("blueprints")]
    [InlineData("doctor")]
    public void Help_fits_eighty_columns_and_goes_to_standard_output(string? command)
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run([.. command is null ? Array.Empty<string>() : [command], "--help"]));
        Assert.Empty(cli.Error);
        Assert.All(cli.Output.Split('\n'), line => Assert.True(line.Length <= 80, line));
        Assert.All(cli.Output.Split('\n'), line => Assert.Equal(line.TrimEnd(), line));
        Assert.DoesNotContain('\u00a0', cli.Output);
    }

    [Fact]
    public void Root_help_is_as_designed()
    {
        CliRun cli = new();

        cli.Run("-h");

        Assert.Equal(
            """
            Esper trains neural networks that grow: seeds learn beside the layers of a host
            network, are blended in, and stay only where they are measured to help.

            Usage:
              esper COMMAND [options]

            Commands:
              train                     Train a host network and let it grow, or continue a
                                        run.
              eval                      Evaluate the last checkpoint of a run.
              experiment                Train matched arms over several seeds and judge
                                        claims by rules set before.
              report                    Render the report of a run or an experiment,
                                        finished or not, as HTML.
              replay                    Decide again on every state in a run's log, and
                                        compare.
              bench                     Measure how long this machine takes for a selection.
              hosts                     List the host networks, with parameters and FLOPs.
              sites                     Show where seeds can sit in a host, and which
                                        selectors take what.
              import                    Show what an ONNX model is as a host: operators,
                                        parameters, FLOPs, sites, problems.
              run                       Run an ONNX model once on arrays in .npy files.
              blueprints                List what a seed can grow into, with parameters and
                                        FLOPs.
              doctor                    Check that this machine can train, and say what to
                                        mend.

            Options:
              -h, --help                Show help.
              --version                 Show the version.
              --verbose                 Show the stack trace of an unexpected failure.

            Examples:
              esper train --epochs 10
                  train a small network on the built-in glyphs and let it grow
              esper doctor
                  check that this machine can

            Exit codes:
              0                         done as asked
              1                         could not be done: bad data or configuration, a
                                        broken environment
              2                         the command line is wrong
              130                       interrupted; 'esper train --resume DIR' continues

            'esper COMMAND --help' explains a command.

            """.ReplaceLineEndings("\n"),
            cli.Output);
    }

    [Fact]
    public void Help_of_train_shows_every_option_with_its_default()
    {
        CliRun cli = new();

        cli.Run("train", "--help");

        Assert.Contains("  --epochs N                Passes over the training examples. [default: 10]\n", cli.Output, StringComparison.Ordinal);
        Assert.Contains(
            """
              --policy NAME             Who decides on growth: none, schedule, random,
                                        heuristic, epsilon-greedy, ucb1, thompson, linucb,
                                        linear-thompson or halving. [default: heuristic]

            """.ReplaceLineEndings("\n"),
            cli.Output,
            StringComparison.Ordinal);
        Assert.Contains("esper train --resume runs/first --epochs 20\n", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_arguments_help_goes_to_standard_error_with_exit_code_2()
    {
        CliRun cli = new();

        Assert.Equal(2, cli.Run());
        Assert.Empty(cli.Output);
        Assert.Contains("Usage:\n  esper COMMAND [options]\n", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_is_one_line()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("--version"));
        Assert.Matches(@"^esper \d+\.\d+\.\d+( \([0-9a-f]{8}\))?\n$", cli.Output);
    }
}
