using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Esper.Data;
using Esper.Native;
using Esper.Nissa.Experiments;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Experiments;

/// <summary>Makes the plan of an experiment: every run that there will be, named before the first one begins.</summary>
public static class ExperimentPlanner
{
    private const string AddressFormat = "esper-run-1";
    private const int AddressLength = 12;

    /// <summary>Plans an experiment.</summary>
    /// <param name="definition">The experiment.</param>
    /// <param name="dataset">Its data; hosts are checked against them.</param>
    /// <param name="created">When.</param>
    /// <param name="program">Version of the program.</param>
    /// <exception cref="Esper.Contracts.EsperException">A host does not go with the data, or a lattice not with its host.</exception>
    public static ExperimentPlan Plan(ExperimentDefinition definition, Dataset dataset, DateTimeOffset created, string program)
    {
        ArgumentNullException.ThrowIfNull(definition);
        foreach (ArmDefinition arm in definition.Arms.Where(arm => arm.Members.IsEmpty && arm.Kind != ArmKinds.Widened))
        {
            RunCost.Of(arm.Config, dataset);
        }

        return new ExperimentPlan(
            ExperimentPlan.CurrentFormat,
            definition.Name,
            definition.Hypothesis,
            definition.Dataset,
            definition.Sha256,
            created,
            Machine(program),
            definition.Seeds,
            definition.Baseline,
            [.. definition.Arms.Select(Describe)],
            Runs(definition),
            definition.Claims,
            Pairs(definition),
            definition.Budget,
            definition.KeepCheckpoints);
    }

    /// <summary>
    /// All runs. Seed by seed, so that an experiment that ends early has whole pairs; within a seed in the order of the arms, which puts
    /// every run behind those that it depends on.
    /// </summary>
    public static ImmutableArray<PlannedRun> Runs(ExperimentDefinition definition)
    {
        ArgumentNullException.ThrowIfNull(definition);
        List<PlannedRun> runs = [];
        foreach (long seed in definition.Seeds)
        {
            foreach (ArmDefinition arm in definition.Arms.Where(arm => arm.Members.IsEmpty))
            {
                PlannedRun? source = arm.Of is null ? null : runs.Find(run => run.Arm == arm.Of && run.Seed == seed);
                string address = AddressOf(arm, seed, source);
                string name = string.Concat(arm.Name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));
                runs.Add(new PlannedRun($"{name}-s{seed}-{address}", arm.Name, seed, source is null ? [] : [source.Id]));
            }
        }

        return [.. runs];
    }

    /// <summary>
    /// Digest of everything that decides a run: its configuration, how it follows from another run, and that run's own address. Where the
    /// data lie and how many threads compute is not part of it.
    /// </summary>
    private static string AddressOf(ArmDefinition arm, long seed, PlannedRun? source)
    {
        string config = ConfigFile.Write(arm.Config with { Seed = seed, Data = null, Threads = 0 });
        string text = string.Join('\n', AddressFormat, arm.Kind, arm.Match, source?.Id, config);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..AddressLength];
    }

    private static PlanMachine Machine(string program) => new(
        NativeInfo.Cpu.Model is { Length: > 0 } model ? model : null,
        Environment.ProcessorCount,
        $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}",
        program);

    private static ImmutableArray<PlannedPair> Pairs(ExperimentDefinition definition) =>
    [
        .. definition.Claims.SelectMany(claim => claim.B.Select(b => new PlannedPair(claim.A, b)))
            .Concat(definition.Arms.Where(arm => arm.Name != definition.Baseline).Select(arm => new PlannedPair(arm.Name, definition.Baseline)))
            .Distinct(),
    ];

    private static PlannedArm Describe(ArmDefinition arm)
    {
        RunConfig config = arm.Config;
        string training = arm.Match switch
        {
            "flops" => $"the training operations of '{arm.Of}' of the same seed",
            "epochs" => $"the epochs of '{arm.Of}'",
            _ when config.TrainFlops is { } flops => string.Create(CultureInfo.InvariantCulture, $"{flops:G4} training operations"),
            _ => $"{config.Epochs} epochs",
        };
        string text = arm.Kind switch
        {
            ArmKinds.Static => $"{config.Host} as it is, {training}",
            ArmKinds.Grown => $"{config.Host} with policy {config.Policy.Kind}, {training}",
            ArmKinds.FinalArchitecture => $"what '{arm.Of}' of the same seed ended as, from its first step on, {training}",
            ArmKinds.Widened => $"{config.Host} with all widths multiplied to the parameters of '{arm.Of}' of the same seed, {training}",
            ArmKinds.Upgrade => $"starts with what '{arm.Of}' of the same seed has learned, then policy {config.Policy.Kind}, {training}",
            _ => $"{arm.Members.Length} static hosts; the best by validation accuracy, at the cost of all",
        };
        bool fixedHost = arm.Kind is ArmKinds.Static or ArmKinds.Grown or ArmKinds.Upgrade or ArmKinds.FinalArchitecture;
        return new PlannedArm(
            arm.Name, arm.Kind, text, fixedHost ? config.Host : null, config.Policy.Kind, arm.Of, arm.Match, arm.Members);
    }
}
