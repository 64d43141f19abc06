using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Contracts.Runs;
using Esper.Data;
using Esper.Nissa.Experiments;
using Esper.Tolaria.Configuration;

namespace Esper.Tolaria.Experiments;

/// <summary>Makes the configuration of a run, once those that it depends on have finished.</summary>
public sealed class RunResolver(ExperimentDefinition definition, ExperimentDirectory directory, Dataset dataset)
{
    /// <summary>Resolves a run.</summary>
    /// <param name="run">A run whose dependencies have finished.</param>
    /// <exception cref="EsperException">What the other run ended as cannot be had here.</exception>
    public (RunConfig Config, ResolvedRun Resolved) Resolve(PlannedRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArmDefinition arm = definition.Arm(run.Arm);
        RunConfig config = arm.Config with { Seed = run.Seed };
        RunSummary? source = run.DependsOn.IsEmpty ? null : ExperimentRecord.FinishedSummary(directory, run.DependsOn[0])
            ?? throw new InvalidOperationException($"Run {run.Id} is resolved before {run.DependsOn[0]} has finished.");
        double? targetParameters = null;
        double inherited = 0;
        switch (arm.Kind)
        {
            case ArmKinds.FinalArchitecture:
                config = config with { Host = source!.Host, Lattice = config.Lattice with { Initial = FinalModules(source) } };
                break;
            case ArmKinds.Widened:
                targetParameters = source!.ParametersFinal;
                config = config with { Host = HostWidening.Nearest(config.Host, source.ParametersFinal, host => ParametersOf(config, host)) };
                break;
            case ArmKinds.Upgrade:
                inherited = source!.TrainFlops + InheritedOf(run.DependsOn[0]);
                config = config with { StartFrom = directory.RunPath(run.DependsOn[0]) };
                break;
            default:
                break;
        }

        return Finish(run, arm, config, source, targetParameters, inherited);
    }

    /// <summary>Modules that a run's model had at its end: those that alter the forward value.</summary>
    public static ImmutableArray<string> FinalModules(RunSummary summary)
    {
        ArgumentNullException.ThrowIfNull(summary);
        return
        [
            .. summary.Seeds
                .Where(seed => Enum.TryParse(seed.Stage, out SeedStage stage) && stage.IsBlended())
                .Select(seed => $"{seed.Site}:{seed.Seed}={seed.Blueprint}"),
        ];
    }

    private (RunConfig Config, ResolvedRun Resolved) Finish(
        PlannedRun run, ArmDefinition arm, RunConfig config, RunSummary? source, double? targetParameters, double inherited)
    {
        RunCost cost = RunCost.Of(config, dataset);
        double? target = arm.Match == "flops" ? source!.TrainFlops : null;
        if (target is { } flops)
        {
            // Whole steps; the rest is below one of them and is reported.
            long steps = Math.Max(1, (long)Math.Round(flops / cost.StepFlops));
            config = config with { TrainFlops = null, Steps = steps, Epochs = checked((int)((steps + cost.StepsPerEpoch - 1) / cost.StepsPerEpoch)) };
        }
        else if (arm.Match == "epochs")
        {
            config = config with { TrainFlops = null, Epochs = source!.Epochs };
        }

        bool grows = arm.Kind is ArmKinds.Grown or ArmKinds.Upgrade;
        double planned = config.TrainFlops ?? cost.StepFlops * (config.Steps ?? (long)config.Epochs * cost.StepsPerEpoch);
        return (config, new ResolvedRun(
            run.Id, config.Host, config.Epochs, config.Steps, target, grows ? null : planned, targetParameters, cost.Parameters, inherited,
            config.Lattice.Initial));
    }

    private long ParametersOf(RunConfig config, string host) => RunCost.HostParameters(config with { Host = host }, dataset);

    private double InheritedOf(string run) => ExperimentDirectory.Read<ResolvedRun>(directory.ResolvedPath(run)).InheritedFlops;
}
