using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Native;

namespace Esper.Cli.Doctor;

/// <summary>A network of two layers with one blended seed between them, trained on fixed data: proof that training works.</summary>
internal static class TinyTraining
{
    private const int Examples = 8;
    private const int Features = 6;
    private const int Hidden = 10;
    private const int Classes = 3;
    private const float LearningRate = 0.1f;

    /// <summary>Trains.</summary>
    /// <param name="steps">Number of steps.</param>
    /// <returns>The loss before each step, and after the last.</returns>
    public static IReadOnlyList<double> Run(int steps)
    {
        using HostSession session = HostSession.Create(Graph());
        session.ConfigureOptimizer(OptimizerKind.Sgd, [new OptimizerGroup()], [0, 0], arenaGroup: 0);
        LatticeSeed seed = LatticeSeed.For(Blueprint.Parse("bottleneck-4"), SeedStage.Holding, alpha: 1);
        session.Germinate(new SeedId(0, 0), seed, seed.InitialParameters(Hidden, key: 1));
        HostTensor[] inputs =
        [
            HostTensor.Float(Wave(Examples * Features, 1), Examples, Features),
            HostTensor.Int64(Enumerable.Range(0, Examples).Select(i => (long)(i % Classes)).ToArray(), Examples),
        ];
        List<double> losses = [];
        for (int step = 0; step < steps; step++)
        {
            losses.Add(session.TrainStep(inputs, LearningRate).Loss);
        }

        losses.Add(session.Evaluate(inputs).Loss);
        return losses;
    }

    private static HostGraphDescription Graph()
    {
        HostAttribute transposed = HostAttribute.Int("transB", 1);
        return new HostGraphDescription
        {
            Values =
            [
                new("x", HostRole.Input, HostDType.Float32, [-1, Features]),
                new("labels", HostRole.Input, HostDType.Int64, [-1]),
                Weight("first", Hidden, Features),
                Weight("second", Classes, Hidden),
                new("before", HostRole.Intermediate, HostDType.Float32, null),
                new("after", HostRole.Intermediate, HostDType.Float32, null),
                new("active", HostRole.Intermediate, HostDType.Float32, null),
                new("logits", HostRole.Intermediate, HostDType.Float32, null),
                new("loss", HostRole.Intermediate, HostDType.Float32, null),
            ],
            Nodes =
            [
                new("first", "Gemm", "", [0, 2], [4], [transposed]),
                new("lattice", "Lattice", "esper", [4], [5],
                [
                    HostAttribute.Int("site", 0),
                    HostAttribute.Int("layout", (int)TensorLayout.Tokens),
                    HostAttribute.Int("channels", Hidden),
                    HostAttribute.Int("seeds", 1),
                ]),
                new("relu", "Relu", "", [5], [6], []),
                new("second", "Gemm", "", [6, 3], [7], [transposed]),
                new("loss", "SoftmaxCrossEntropyLoss", "", [7, 1], [8], []),
            ],
            Outputs = [8],
            Loss = 8,
            Logits = 7,
            Labels = 1,
        };
    }

    private static HostValue Weight(string name, int rows, int columns) => new(
        $"{name}.weight", HostRole.Parameter, HostDType.Float32, [rows, columns],
        HostTensor.Float(Wave(rows * columns, 0.5), rows, columns));

    private static float[] Wave(int length, double amplitude) =>
        [.. Enumerable.Range(0, length).Select(i => (float)(amplitude * Math.Sin((i * 1.7) + 0.3)))];
}
