using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Esper.Tolaria;
using Esper.Tolaria.Configuration;

namespace Esper.Cli.Options;

/// <summary>Makes a request to the trainer of a command line: defaults, then the file, then the command line.</summary>
internal static class TrainRequestBuilder
{
    private static readonly string[] AllowedWithResume =
        ["--resume", "--epochs", "--threads", "--data", "--json", "--quiet", "--verbose", "--while-input"];

    /// <summary>Builds the request.</summary>
    /// <param name="options">The options.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="configOf">Reads the configuration of the run in a directory.</param>
    /// <exception cref="UsageException">Options contradict one another, or would change nothing.</exception>
    /// <exception cref="Contracts.EsperException">The file or the run to resume cannot be read.</exception>
    public static TrainRequest Build(TrainOptions options, ParseResult parsed, Func<string, RunConfig> configOf)
    {
        string? resume = parsed.GetValue(options.Resume);
        if (resume is not null)
        {
            RequireResumable(parsed);
        }

        RunConfig config = resume is not null ? configOf(resume)
            : parsed.GetValue(options.Config) is { } file ? ConfigFile.Read(file)
            : new RunConfig();
        List<SetOverride> overrides = Overrides(options, parsed);
        foreach (SetOverride change in overrides)
        {
            config = change.Apply(config);
        }

        foreach (ConfigOption option in options.Bound)
        {
            config = option.Apply(parsed, config);
        }

        IEnumerable<string> given = options.Bound.Where(option => option.IsIn(parsed)).Select(option => option.Key.Path)
            .Concat(overrides.Select(change => change.Key.Path));
        if (config.TrainFlops is { } flops && given.Contains("epochs"))
        {
            throw new UsageException(
                string.Create(CultureInfo.InvariantCulture, $"epochs are given, but the run has train_flops = {flops:G4}, which sets its length"),
                "leave the epochs away; for another length, start a run with another train_flops");
        }

        return new TrainRequest(config, parsed.GetValue(options.Out), resume, PolicyHost.OfThisProgram());
    }

    private static List<SetOverride> Overrides(TrainOptions options, ParseResult parsed)
    {
        Dictionary<string, string> taken = options.Bound.Where(option => option.IsIn(parsed))
            .ToDictionary(option => option.Key.Path, option => option.Option.Name);
        List<SetOverride> overrides = [];
        foreach (string text in parsed.GetValue(options.Set) ?? [])
        {
            SetOverride change = SetOverride.Parse(text);
            string path = change.Key.Path;
            if (!taken.TryAdd(path, "--set"))
            {
                throw new UsageException($"{taken[path]} and --set {path} both set '{path}'", "keep one of them");
            }

            overrides.Add(change);
        }

        return overrides;
    }

    private static void RequireResumable(ParseResult parsed)
    {
        string[] others = [.. parsed.CommandResult.Children.OfType<OptionResult>()
            .Where(result => !result.Implicit && !AllowedWithResume.Contains(result.Option.Name))
            .Select(result => result.Option.Name)];
        if (others.Length > 0)
        {
            throw new UsageException(
                $"--resume continues a run with its own configuration and cannot be combined with {string.Join(", ", others)}",
                "only --epochs, --threads, --data, --quiet and --json may change; start a new run for anything else");
        }
    }
}
