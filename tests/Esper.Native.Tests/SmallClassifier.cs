using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;

namespace Esper.Native.Tests;

/// <summary>
/// x[N, 6] -> Gemm -> lattice over 8 channels with 2 seeds -> Relu -> Gemm -> 3 classes, and a batch that it can learn.
/// </summary>
internal static class SmallClassifier
{
    public const int Batch = 12;
    public const string OddName = "gewächs.β";
    public static readonly SeedId First = new(0, 0);
    public static readonly SeedId Second = new(0, 1);

    private const int Hidden = 8;

    public static float[] X { get; } = new float[Batch * 6];

    public static HostTensor[] Inputs { get; } = MakeInputs();

    public static HostGraphDescription Graph(bool producer = true) => new()
    {
        Values =
        [
            new HostValue("x", HostRole.Input, HostDType.Float32, [-1, 6]),
            new HostValue("labels", HostRole.Input, HostDType.Int64, [-1]),
            Parameter("hidden.weight", Hidden, 6),
            Parameter("hidden.bias", Hidden),
            Parameter(OddName, 3, Hidden),
            Parameter("head.bias", 3),
            new HostValue("h", HostRole.Intermediate, HostDType.Float32, [-1, Hidden]),
            new HostValue("grown", HostRole.Intermediate, HostDType.Float32, [-1, Hidden]),
            new HostValue("active", HostRole.Intermediate, HostDType.Float32, [-1, Hidden]),
            new HostValue("logits", HostRole.Intermediate, HostDType.Float32, [-1, 3]),
            new HostValue("loss", HostRole.Intermediate, HostDType.Float32, []),
        ],
        Nodes =
        [
            new HostNode("hidden", "Gemm", "", [0, 2, 3], [6], [HostAttribute.Int("transB", 1)]),
            new HostNode("site", "Lattice", "esper", [6], [7], LatticeAttributes(producer)),
            new HostNode("relu", "Relu", "", [7], [8], []),
            new HostNode("head", "Gemm", "", [8, 4, 5], [9], [HostAttribute.Int("transB", 1), HostAttribute.Float("alpha", 1)]),
            new HostNode("criterion", "SoftmaxCrossEntropyLoss", "", [9, 1], [10], [HostAttribute.String("reduction", "mean")]),
        ],
        Outputs = [9, 10],
        Loss = 10,
        Logits = 9,
        Labels = 1,
    };

    public static HostSession Session(OptimizerKind optimizer = OptimizerKind.Sgd, bool producer = true)
    {
        HostSession session = HostSession.Create(Graph(producer), new HostSessionOptions { Threads = 1, Seed = 3 });
        session.ConfigureOptimizer(optimizer, [new OptimizerGroup { Momentum = 0.9f }], [0, 0, 0, 0], arenaGroup: 0);
        return session;
    }

    public static LatticeSeed Seed(SeedStage stage, float alpha) =>
        LatticeSeed.For(Blueprint.Parse("bottleneck-3"), stage, alpha);

    public static void Germinate(HostSession session, SeedId seed, SeedStage stage, float alpha)
    {
        LatticeSeed description = Seed(stage, alpha);
        int channels = session.ReadSeed(seed).Description.ChannelCount;
        session.Germinate(seed, description, description.InitialParameters(channels, key: (ulong)seed.Seed + 1));
    }

    public static byte[] Read(HostSession session, string name)
    {
        byte[] data = new byte[session.State().Single(tensor => tensor.Name == name).Bytes];
        session.ReadState(name, data);
        return data;
    }

    public static Dictionary<string, byte[]> ReadAll(HostSession session) =>
        session.State().ToDictionary(tensor => tensor.Name, tensor => Read(session, tensor.Name));

    public static float[] ParameterData(string name, int count)
    {
        Random random = new(name.Length * 7919);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static HostValue Parameter(string name, params long[] dims)
    {
        float[] data = ParameterData(name, (int)dims.Aggregate(1L, (a, b) => a * b));
        return new HostValue(name, HostRole.Parameter, HostDType.Float32, dims, HostTensor.Float(data, dims));
    }

    private static ImmutableArray<HostAttribute> LatticeAttributes(bool producer)
    {
        HostAttribute[] attributes =
        [
            HostAttribute.Int("site", 0),
            HostAttribute.Int("layout", (long)TensorLayout.Tokens),
            HostAttribute.Int("channels", Hidden),
            HostAttribute.Int("seeds", 2),
        ];
        return producer
            ? [.. attributes, HostAttribute.String("producer", "hidden.weight"), HostAttribute.Int("producer_axis", 0)]
            : [.. attributes];
    }

    private static HostTensor[] MakeInputs()
    {
        Random random = new(99);
        long[] labels = new long[Batch];
        for (int i = 0; i < Batch; i++)
        {
            labels[i] = i % 3;
            for (int j = 0; j < 6; j++)
            {
                X[(i * 6) + j] = (random.NextSingle() * 0.6f) - 0.3f + (j % 3 == i % 3 ? 1 : 0);
            }
        }

        return [HostTensor.Float(X, Batch, 6), HostTensor.Int64(labels, Batch)];
    }
}
