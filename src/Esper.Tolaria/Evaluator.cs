using Esper.Contracts;
using Esper.Data;
using Esper.Kasmina.Execution;
using Esper.Kasmina.Lifecycle;
using Esper.Nissa;
using Esper.Tolaria.Checkpoints;
using Esper.Tolaria.Configuration;
using Esper.Tolaria.Training;

namespace Esper.Tolaria;

/// <summary>Evaluates the newest checkpoint of a run.</summary>
public static class Evaluator
{
    /// <summary>Evaluates one part of the data, without augmentation.</summary>
    /// <param name="runDirectory">The run.</param>
    /// <param name="split"><c>validation</c> or <c>test</c>.</param>
    /// <param name="dataDirectory">Where the data are now; null = where they were when the run started.</param>
    /// <param name="threads">Threads; 0 = all cores of this process.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="EsperException">There is no run or no checkpoint, or the data are not there.</exception>
    public static EvaluationSummary Evaluate(
        string runDirectory, string split, string? dataDirectory, int threads, CancellationToken cancellation)
    {
        RunDirectory directory = RunDirectory.Open(runDirectory);
        RunConfig saved = ConfigFile.Read(directory.ConfigPath);
        RunConfig config = saved with { Data = dataDirectory ?? saved.Data, Threads = threads };
        string path = new CheckpointStore(directory.CheckpointsPath, config.Telemetry.CheckpointsKept).Newest()
            ?? throw new EsperException($"{directory.CheckpointsPath} holds no checkpoint: the run has not completed an epoch.");
        using Workbench bench = Workbench.Open(config, cancellation);
        IBatchLoader loader = split switch
        {
            "validation" => bench.Data.Validation,
            "test" => bench.Data.Test,
            _ => throw new EsperException($"There is no split '{split}'; known are validation, test."),
        };
        using SeedLifecycle lifecycle = bench.CreateLifecycle(TimeProvider.System, static _ => { });
        CheckpointStore.Read(path).LoadInto(bench.Session, lifecycle);
        Evaluation result = Evaluation.Of(bench.Session, BatchTensors.Stream(loader, 0, cancellation), cancellation);
        return new EvaluationSummary(
            directory.Root,
            bench.Preset.Name,
            config.Dataset,
            split,
            result.ExampleCorrect.Length,
            result.Accuracy,
            result.Loss,
            bench.HostCost.Parameters + lifecycle.TotalCost.Parameters,
            SessionTensors.Digest(bench.Session));
    }
}
