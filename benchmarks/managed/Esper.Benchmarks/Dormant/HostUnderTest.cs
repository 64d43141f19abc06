using System.Diagnostics;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Graph;
using Esper.Kasmina.Execution;
using Esper.Native;

namespace Esper.Benchmarks.Dormant;

/// <summary>
/// A host in a session of its own, with a batch of made-up data. The same host gives the same numbers.
/// </summary>
internal sealed class HostUnderTest : IDisposable
{
    /// <summary>Images of a batch.</summary>
    public const int ImageBatch = 128;

    /// <summary>Sequences of a batch.</summary>
    public const int TextBatch = 16;

    private const long Seed = 1;
    private readonly HostSession session;
    private readonly HostTensor[] batch;
    private readonly float learningRate;

    private HostUnderTest(HostSession session, HostTensor[] batch, float learningRate)
    {
        this.session = session;
        this.batch = batch;
        this.learningRate = learningRate;
    }

    /// <summary>The input that customary data has: 32 x 32 colour images, or text of 65 different characters.</summary>
    public static HostInput InputOf(string spec) => IsText(spec)
        ? new TextInput(Vocabulary: 65, Context: 128)
        : new ImageInput(3, 32, 32, 10);

    /// <summary>Examples of a batch.</summary>
    public static int BatchOf(HostInput input) => input is TextInput ? TextBatch : ImageBatch;

    /// <summary>Opens a session: SGD with momentum for images, AdamW for text, as training does by default.</summary>
    /// <exception cref="EsperException">The machine does not run the graph.</exception>
    public static HostUnderTest Open(HostGraph graph, HostInput input, int threads)
    {
        HostSession session = HostSession.Create(
            HostTranslation.Describe(graph, Seed), new HostSessionOptions { Threads = threads, Seed = (ulong)Seed });
        try
        {
            bool text = input is TextInput;
            OptimizerGroup group = text
                ? new OptimizerGroup { WeightDecay = 0.1f, Beta2 = 0.99f }
                : new OptimizerGroup { WeightDecay = 5e-4f, Momentum = 0.9f, Nesterov = true };
            session.ConfigureOptimizer(
                text ? OptimizerKind.AdamW : OptimizerKind.Sgd,
                [group],
                new int[graph.Parameters.Count(parameter => parameter.Trained)],
                arenaGroup: 0);
            return new HostUnderTest(session, Batch(input), text ? 1e-3f : 0.01f);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Takes one training step.</summary>
    /// <returns>What it measured, and its wall-clock in milliseconds.</returns>
    public (StepResult Result, double Milliseconds) Step()
    {
        long start = Stopwatch.GetTimestamp();
        StepResult result = session.TrainStep(batch, learningRate);
        return (result, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    /// <summary>Takes one training step that gathers the health signals of all seeds, and reads them.</summary>
    /// <returns>Its wall-clock in milliseconds.</returns>
    public double StepWithSignals(int sites)
    {
        long start = Stopwatch.GetTimestamp();
        session.TrainStep(batch, learningRate, 0, true);
        for (int site = 0; site < sites; site++)
        {
            session.ReadTelemetry(site);
        }

        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>Gives a seed a module that is blended in full.</summary>
    public void Grow(SeedId seed, Blueprint blueprint, int channels)
    {
        float[] parameters = new float[blueprint.ParameterCount(channels)];
        ulong key = KeyedRandom.Key("module");
        for (int i = 0; i < parameters.Length; i++)
        {
            parameters[i] = (float)(0.1 * (KeyedRandom.Uniform(key, (ulong)i) - 0.5));
        }

        session.Germinate(seed, LatticeSeed.For(blueprint, SeedStage.Holding, 1), parameters);
    }

    /// <summary>Takes a snapshot.</summary>
    /// <returns>The snapshot, and its wall-clock in milliseconds.</returns>
    public (HostSnapshot Snapshot, double Milliseconds) TakeSnapshot()
    {
        long start = Stopwatch.GetTimestamp();
        HostSnapshot snapshot = session.TakeSnapshot();
        return (snapshot, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    /// <summary>Goes back to a snapshot.</summary>
    /// <returns>Wall-clock in milliseconds.</returns>
    public double Restore(HostSnapshot snapshot)
    {
        long start = Stopwatch.GetTimestamp();
        session.Restore(snapshot);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

    private static bool IsText(string spec) => spec.Trim().StartsWith("char-gpt", StringComparison.OrdinalIgnoreCase);

    private static HostTensor[] Batch(HostInput input)
    {
        if (input is TextInput text)
        {
            return
            [
                Labels("tokens", text.Vocabulary, TextBatch, text.Context),
                Labels("labels", text.Vocabulary, TextBatch, text.Context),
            ];
        }

        ImageInput images = (ImageInput)input;
        float[] pixels = new float[ImageBatch * images.Channels * images.Height * images.Width];
        ulong key = KeyedRandom.Key("pixels");
        for (int i = 0; i < pixels.Length; i++)
        {
            // Uniform with mean 0 and deviation 1, as normalised pixels have.
            pixels[i] = (float)((KeyedRandom.Uniform(key, (ulong)i) - 0.5) * Math.Sqrt(12));
        }

        return
        [
            HostTensor.Float(pixels, ImageBatch, images.Channels, images.Height, images.Width),
            Labels("labels", images.Classes, ImageBatch),
        ];
    }

    private static HostTensor Labels(string name, int classes, params long[] dims)
    {
        long[] data = new long[dims.Aggregate(1L, (product, extent) => product * extent)];
        ulong key = KeyedRandom.Key(name);
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = KeyedRandom.Below(classes, key, (ulong)i);
        }

        return HostTensor.Int64(data, dims);
    }
}
