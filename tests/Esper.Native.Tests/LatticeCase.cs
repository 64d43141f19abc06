using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;

namespace Esper.Native.Tests;

/// <summary>A lattice of seeds of several families and random tensors, the same for every caller.</summary>
internal sealed class LatticeCase : IDisposable
{
    public const int Channels = 23;

    private static readonly string[] Pointwise = ["affine", "lowrank-3+channel", "bottleneck-5-silu+gated"];

    public LatticeCase(TensorLayout layout, SeedStage stage = SeedStage.Blending, float alpha = 0.7f)
        : this(new LatticeShape(layout, 3, 5), Pointwise, stage, alpha)
    {
    }

    public LatticeCase(LatticeShape shape, string[] names, SeedStage stage = SeedStage.Blending, float alpha = 0.7f)
    {
        Shape = shape;
        int elements = checked((int)shape.Elements(Channels));
        Random random = new(20240117);
        List<float> theta = [];
        for (int i = 0; i < names.Length; i++)
        {
            (int begin, int count) = Chunking.Of(Channels, names.Length, i);
            Seeds.Add(LatticeSeed.For(Blueprint.Parse(names[i]), stage, alpha) with
            {
                ChannelBegin = begin,
                ChannelCount = count,
                ParameterOffset = theta.Count,
            });
            theta.AddRange(Uniform(random, (int)Seeds[i].ParameterCount(count)));
        }

        Theta = [.. theta];
        X = Uniform(random, elements);
        Dy = Uniform(random, elements);
        Lattice = new SeedLattice(Channels, Seeds);
    }

    public LatticeShape Shape { get; }

    public List<LatticeSeed> Seeds { get; } = [];

    public SeedLattice Lattice { get; }

    public float[] Theta { get; }

    public float[] X { get; }

    public float[] Dy { get; }

    public void Dispose() => Lattice.Dispose();

    public static double[] Widen(float[] values) => Array.ConvertAll(values, value => (double)value);

    /// <summary>Normalised mean square error against the oracle.</summary>
    public static double Nmse(float[] actual, double[] expected)
    {
        double error = actual.Zip(expected).Sum(pair => Math.Pow(pair.First - pair.Second, 2));
        return error / expected.Sum(value => value * value);
    }

    private static float[] Uniform(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
}
