using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Native;

namespace Esper.Cli.Doctor;

/// <summary>Compares the kernels of an instruction set with the double precision reference on a small lattice.</summary>
internal static class KernelComparison
{
    // Odd sizes, so that the remainders of every vector width are run too.
    private const int ChunkChannels = 19;
    private const int Batch = 3;
    private const int Rows = 5;
    private const int Columns = 7;

    private static readonly string[] Modules =
    [
        "affine", "lowrank-5", "bottleneck-7", "bottleneck-9-relu+channel", "bottleneck-16-silu+gated", "gate-5", "depthwise-3",
        "depthwise-5-tanh+channel",
    ];

    /// <summary>Largest normalised mean square error of y, dx and dtheta, over both layouts.</summary>
    /// <param name="isa">The instruction set; the processor must have it.</param>
    public static double LargestError(CpuIsa isa)
    {
        using KernelContext context = new(threads: 1, isa);
        return Math.Max(LargestError(context, TensorLayout.Nchw), LargestError(context, TensorLayout.Tokens));
    }

    private static double LargestError(KernelContext context, TensorLayout layout)
    {
        List<LatticeSeed> seeds = Seeds(out int thetaLength);
        int channels = seeds.Count * ChunkChannels;
        LatticeShape shape = new(layout, Batch, Rows * Columns, Columns);
        int elements = checked((int)shape.Elements(channels));
        float[] theta = Wave(thetaLength, 0.3, 0.71f);
        float[] x = Wave(elements, 1, 0.37f);
        float[] dy = Wave(elements, 1, 0.53f);
        float[] y = new float[elements], dx = new float[elements], dtheta = new float[thetaLength];
        double[] exactY = new double[elements], exactDx = new double[elements], exactDtheta = new double[thetaLength];

        using SeedLattice lattice = new(channels, seeds);
        lattice.Forward(context, shape, theta, x, y);
        lattice.Backward(context, shape, theta, x, dy, dx, dtheta);
        double[] wideTheta = Widen(theta), wideX = Widen(x);
        lattice.ReferenceForward(shape, wideTheta, wideX, exactY);
        lattice.ReferenceBackward(shape, wideTheta, wideX, Widen(dy), exactDx, exactDtheta);
        return new[] { Error(y, exactY), Error(dx, exactDx), Error(dtheta, exactDtheta) }.Max();
    }

    private static List<LatticeSeed> Seeds(out int thetaLength)
    {
        List<LatticeSeed> seeds = [];
        long offset = 0;
        foreach (string name in Modules)
        {
            Blueprint blueprint = Blueprint.Parse(name);
            seeds.Add(LatticeSeed.For(blueprint, SeedStage.Holding, 0.6f) with
            {
                ChannelBegin = seeds.Count * ChunkChannels,
                ChannelCount = ChunkChannels,
                ParameterOffset = offset,
            });
            offset += blueprint.ParameterCount(ChunkChannels);
        }

        thetaLength = checked((int)offset);
        return seeds;
    }

    /// <summary>Mean square of the difference over that of the exact values; NaN where anything is NaN.</summary>
    private static double Error(float[] values, double[] exact)
    {
        double difference = 0, scale = 0;
        for (int i = 0; i < values.Length; i++)
        {
            difference += (values[i] - exact[i]) * (values[i] - exact[i]);
            scale += exact[i] * exact[i];
        }

        return difference / scale;
    }

    private static float[] Wave(int length, double amplitude, float frequency) =>
        [.. Enumerable.Range(0, length).Select(i => (float)(amplitude * Math.Sin((i * frequency) + 0.1)))];

    private static double[] Widen(float[] values) => Array.ConvertAll(values, value => (double)value);
}
