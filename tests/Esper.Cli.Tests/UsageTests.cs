using System.CommandLine;
using Esper.Cli.Options;

namespace Esper.Cli.Tests;

public sealed class UsageTests
{
    [Theory]
    [InlineData("error: there is no command 'trian'", "hint: did you mean 'train'?", "trian")]
    [InlineData("error: 'esper train' has no option '--epoch'", "hint: did you mean '--epochs'?", "train", "--epoch", "3")]
    [InlineData("error: 'esper train' has no option '--epoch'", "hint: did you mean '--epochs'?", "train", "--epoch=3")]
    [InlineData("error: 'esper doctor' has no option '--verbos'", "hint: did you mean '--verbose'?", "doctor", "--verbos")]
    [InlineData("error: 'esper hosts' has no option '--zzzzzzzz'", "hint: 'esper hosts --help' shows what it takes", "hosts", "--zzzzzzzz")]
    [InlineData("error: 'esper report' has no option '--jsn'", "hint: did you mean '--json'?", "report", "--jsn")]
    [InlineData("error: --epochs needs a value", "hint: --epochs N: Passes over the training examples. [default: 10]", "train", "--epochs")]
    [InlineData("error: --epochs: 'x' is not a whole number.", "hint: --epochs N: Passes over the training examples. [default: 10]", "train", "--epochs", "x")]
    [InlineData("error: --lr: '1e999' is not a number.", "hint: --lr X: Peak learning rate. Without it, as suits the host.", "train", "--lr", "1e999")]
    [InlineData("error: --epochs is given 2 times", "hint: give it once", "train", "--epochs", "1", "--epochs", "2")]
    [InlineData("error: --policy: 'heurstic' is unknown.", "hint: did you mean 'heuristic'? Known: none, schedule, random, heuristic, epsilon-greedy, ucb1, thompson, linucb, linear-thompson, halving.", "train", "--policy", "heurstic")]
    [InlineData("error: --dataset: 'cifar' is unknown.", "hint: did you mean 'cifar10'? Known: glyphs, cifar10, mnist, text.", "train", "--dataset", "cifar")]
    [InlineData("error: --optimizer: 'adam' is unknown.", "hint: did you mean 'adamw'? Known: sgd, adamw.", "train", "--optimizer", "adam")]
    [InlineData("error: --blueprints: 'lowrnk-8' is no blueprint.", "hint: did you mean 'lowrank-8'? 'esper blueprints' explains the names.", "train", "--blueprints", "affine,lowrnk-8")]
    [InlineData("error: --split: 'tset' is unknown.", "hint: did you mean 'test'? Known: test, validation.", "eval", "x", "--split", "tset")]
    [InlineData("error: 'esper report DIR' needs DIR", "hint: Directory of a run (--out of 'esper train') or of an experiment (--output of 'esper experiment').", "report")]
    [InlineData("error: 'esper report DIR' does not take 'b'", "hint: 'esper report --help' shows what it takes", "report", "a", "b")]
    [InlineData("error: no command is given", "hint: the commands are train, eval, experiment, report, replay, bench, hosts, sites, import, run, blueprints, doctor", "--verbose")]
    [InlineData("error: unknown configuration key 'lifecycle.kapa'", "hint: did you mean 'lifecycle.kappa'?", "train", "--set", "lifecycle.kapa=1")]
    [InlineData("error: unknown configuration key 'kappa'", "hint: did you mean 'lifecycle.kappa'?", "train", "--set", "kappa=1")]
    [InlineData("error: unknown configuration key 'kind'", "hint: did you mean 'optimizer.kind' or 'policy.kind' or 'schedule.kind'?", "train", "--set", "kind=1")]
    [InlineData("error: unknown configuration key 'zzzzzzzzzzzz'", "hint: 'esper train --print-config' shows all keys", "train", "--set", "zzzzzzzzzzzz=1")]
    [InlineData("error: --set 'lifecycle.kappa' is not of the form key.path=value", "hint: for example --set lifecycle.kappa=0.5", "train", "--set", "lifecycle.kappa")]
    [InlineData("error: --epochs and --set epochs both set 'epochs'", "hint: keep one of them", "train", "--set", "epochs=3", "--epochs", "4")]
    [InlineData("error: --set and --set epochs both set 'epochs'", "hint: keep one of them", "train", "--set", "epochs=3", "--set", "epochs=4")]
    public void A_wrong_command_line_is_two_lines_and_exit_code_2(string error, string hint, params string[] args)
    {
        CliRun cli = new();

        Assert.Equal(2, cli.Run(args));
        Assert.Equal([error, hint], cli.ErrorLines);
        Assert.Empty(cli.Output);
        Assert.Empty(cli.Requests);
    }

    [Theory]
    [InlineData("lifecycle.kappa=x", "error: --set lifecycle.kappa: 'x' is not a number.")]
    [InlineData("epochs=1.5", "error: --set epochs: '1.5' is not a whole number.")]
    [InlineData("epochs=null", "error: --set epochs: 'null' is not a whole number.")]
    [InlineData("augment=perhaps", "error: --set augment: 'perhaps' is not true or false.")]
    [InlineData("schedule.step_fractions=0.1,x", "error: --set schedule.step_fractions: '0.1,x' is not a list of numbers with commas between them.")]
    [InlineData("optimizer.learning_rate=NaN", "error: --set optimizer.learning_rate: 'NaN' is not a number.")]
    public void A_value_of_the_wrong_type_names_key_value_and_type(string assignment, string error)
    {
        CliRun cli = new();

        Assert.Equal(2, cli.Run("train", "--set", assignment));
        Assert.Equal([error], cli.ErrorLines);
    }

    [Fact]
    public void A_section_is_no_key_and_its_keys_are_listed()
    {
        CliRun cli = new();

        Assert.Equal(2, cli.Run("train", "--set", "lattice=1"));
        Assert.Equal(
            [
                "error: 'lattice' is a section of the configuration, not a key",
                "hint: its keys are lattice.blueprints, lattice.flop_budget, lattice.initial, lattice.parameter_budget, lattice.seeds_per_site, lattice.sites",
            ],
            cli.ErrorLines);
    }

    [Theory]
    [InlineData("--host", "cn3", "error: --host: 'cn3' is no host.", "hint: did you mean 'cnn3'? Known: ")]
    [InlineData("--host", "cnn3:a", "error: --host: host 'cnn3:a': 'a' must be 1 to 6 whole numbers", "hint: forms: ")]
    [InlineData("--blueprints", "lowrank-0", "error: --blueprints: Blueprint 'lowrank-0': rank '0' is not a whole number from 1 to 4096.", "hint: --blueprints NAMES: ")]
    public void Errors_of_the_model_keep_their_words(string option, string value, string error, string hint)
    {
        CliRun cli = new();

        Assert.Equal(2, cli.Run("train", option, value));
        Assert.Equal(2, cli.ErrorLines.Length);
        Assert.StartsWith(error, cli.ErrorLines[0], StringComparison.Ordinal);
        Assert.StartsWith(hint, cli.ErrorLines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_that_needs_larger_images_than_customary_is_no_usage_error()
    {
        CliRun cli = new();

        Assert.Equal(0, cli.Run("train", "--host", "cnn3:8-8-8-8-8-8"));
    }

    [Fact]
    public void Every_option_and_argument_says_what_it_is()
    {
        RootCommand root = CommandLine.CreateRoot(Environment(), CommonOptions.Verbose());

        foreach (Command command in root.Subcommands.Prepend(root))
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            Assert.All(command.Options, option => Assert.EndsWith(
                option.Description![^1..] == "]" ? "]" : ".", option.Description, StringComparison.Ordinal));
            Assert.All(command.Arguments, argument => Assert.EndsWith(".", argument.Description, StringComparison.Ordinal));
            Assert.All(
                command.Options.Where(option => option.ValueType != typeof(bool) && option.Name is not ("--help" or "--version")),
                option => Assert.False(string.IsNullOrEmpty(option.HelpName), option.Name));
        }
    }

    [Theory]
    [InlineData("lowrnk-8", "lowrank-8")]
    [InlineData("Bottelneck-12-gleu+gatd", "bottleneck-12-gelu+gated")]
    [InlineData("bottleneck", "bottleneck-16")]
    [InlineData("afine+chanel", "affine+channel")]
    [InlineData("gate-r4", "gate-4")]
    [InlineData("gates", "gate-16")]
    [InlineData("depthwise-9-rel", "depthwise-3-relu")]
    [InlineData("depthwize-k5+gated", "depthwise-5+gated")]
    [InlineData("transformer", null)]
    public void The_nearest_blueprint_is_put_together_part_by_part(string name, string? nearest) =>
        Assert.Equal(nearest, BlueprintNames.Nearest(name));

    private static CliEnvironment Environment() => new()
    {
        Output = TextWriter.Null,
        Error = TextWriter.Null,
        OutputIsTerminal = false,
        Width = 80,
        Clock = TimeProvider.System,
        Listen = (first, second) => new Interruption(first, second),
        Train = (_, _, _, _) => throw new NotSupportedException(),
        ConfigOf = _ => throw new NotSupportedException(),
        Launcher = new CliRun().Launcher,
        Evaluate = (_, _, _, _, _) => throw new NotSupportedException(),
        Probe = new SoundMachine(),
    };
}
