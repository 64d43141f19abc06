using Esper.Contracts;
using Esper.Contracts.Blueprints;
using Esper.Contracts.Lifecycle;
using Esper.Graph;
using Esper.Graph.Tests;
using Esper.Kasmina.Execution;
using Esper.Native;

namespace Esper.Kasmina.Tests;

/// <summary>
/// The law of dormancy on the executor: wherever selectors put lattices, loss, outputs and all gradients are the host's bit for bit, with
/// all seeds dormant and with all of them training.
/// </summary>
public sealed class DormantLatticeTests
{
    private static readonly Dictionary<string, Func<HostGraph>> Hosts = new()
    {
        ["residual"] = HostShapes.Residual,
        ["transformer"] = () => HostShapes.Transformer(),
        ["skips"] = HostShapes.Skips,
        ["memory orders"] = MemoryOrders,
        ["wrn"] = () => HostPresets.Create("wrn-10-1", new ImageInput(3, 12, 12, 5)).Graph,
        ["char-gpt"] = () => HostPresets.Create("char-gpt:2-12-3", new TextInput(11, 7)).Graph,
    };

    private static readonly string[] Tried =
    [
        "*", "joins", "stages", "auto:1", "auto:2", "op:Relu,op:Add", "op:*Norm*", "op:Transpose", "op:Reshape", "op:Concat", "*,!joins",
    ];

    public static TheoryData<string, string> Selections
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach ((string host, Func<HostGraph> create) in Hosts)
            {
                SiteSurvey survey = SiteSurvey.Of(create());
                foreach (string selectors in Tried)
                {
                    if (Record.Exception(() => survey.Select(selectors.Split(','))) is null)
                    {
                        data.Add(host, selectors);
                    }
                }
            }

            return data;
        }
    }

    [Fact]
    public void Every_selector_is_tried_on_a_graph_that_it_fits()
    {
        string[] tried = [.. Selections.Select(row => (string)row[1]).Distinct()];
        Assert.Equal(Tried.Length, tried.Length);
        Assert.True(Selections.Count >= 30, $"{Selections.Count}");
    }

    [Theory]
    [MemberData(nameof(Selections))]
    public void A_dormant_lattice_changes_no_bit(string host, string selectors) => Compare(host, selectors, germinate: null);

    [Theory]
    [MemberData(nameof(Selections))]
    public void A_training_lattice_changes_no_bit_of_the_host(string host, string selectors) =>
        Compare(host, selectors, (session, wrapped) => Grow(session, wrapped, SeedStage.Training));

    [Theory]
    [MemberData(nameof(Selections))]
    public void A_lattice_blended_with_alpha_zero_changes_no_bit_of_the_host(string host, string selectors) =>
        Compare(host, selectors, (session, wrapped) => Grow(session, wrapped, SeedStage.Holding));

    private static void Compare(string host, string selectors, Action<HostSession, WrappedGraph>? germinate)
    {
        HostGraph graph = Hosts[host]();
        WrappedGraph wrapped = LatticeWrapping.Wrap(graph, selectors.Split(','), 2);
        using HostSession bare = Open(graph);
        using HostSession latticed = Open(wrapped.Graph);
        germinate?.Invoke(latticed, wrapped);
        foreach (int batch in new[] { 1, 3, 7 })
        {
            HostTensor[] inputs = Inputs(graph, batch);
            StepResult expected = bare.Gradients(inputs);
            StepResult actual = latticed.Gradients(inputs);
            Assert.True(expected.Finite && expected.GradientNorm > 0);
            Assert.Equal(expected.Loss, actual.Loss);
            string[] tensors = [.. bare.State().Select(t => t.Name).Where(n => n.StartsWith("grad/", StringComparison.Ordinal) || n.StartsWith("buffer/", StringComparison.Ordinal))];
            Assert.True(tensors.Length >= graph.Parameters.Count(p => p.Trained));
            foreach (string tensor in tensors)
            {
                Assert.True(Read(bare, tensor).AsSpan().SequenceEqual(Read(latticed, tensor)), $"batch {batch}: {tensor}");
            }
        }
    }

    // Both seeds of every site have a module, with alpha 0.
    private static void Grow(HostSession session, WrappedGraph wrapped, SeedStage stage)
    {
        foreach (LatticeSite site in wrapped.Sites)
        {
            for (int seed = 0; seed < site.Seeds; seed++)
            {
                SeedChunk chunk = site.Chunk(seed);
                LatticeSeed description = new()
                {
                    Stage = stage,
                    ChannelBegin = chunk.Begin,
                    ChannelCount = chunk.Count,
                    Family = BlueprintFamily.Bottleneck,
                    Activation = BlueprintActivation.Gelu,
                    Rank = 2,
                    Blend = BlendMode.Convex,
                    Kappa = 1,
                };
                session.Germinate(new SeedId(site.Index, seed), description, description.InitialParameters(chunk.Count, (ulong)seed));
            }
        }
    }

    private static HostSession Open(HostGraph graph) =>
        HostSession.Create(HostTranslation.Describe(graph, 5), new HostSessionOptions { Threads = 2, Seed = 3 });

    private static byte[] Read(HostSession session, string name)
    {
        byte[] data = new byte[session.State().Single(t => t.Name == name).Bytes];
        session.ReadState(name, data);
        return data;
    }

    private static HostTensor[] Inputs(HostGraph graph, int batch)
    {
        Random random = new(7);
        return
        [
            .. graph.Inputs.Select(input =>
            {
                long[] dims = input.Shape.ToArray(batch);
                int count = checked((int)dims.Aggregate(1L, (a, b) => a * b));
                return input.ElementType == ElementType.Float32
                    ? HostTensor.Float(Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.4f).ToArray(), dims)
                    : HostTensor.Int64(Enumerable.Range(0, count).Select(_ => (long)random.Next(2)).ToArray(), dims);
            }),
        ];
    }

    // Values that lie in memory in another order than their shapes say: transposed, cut, with channels in the middle, folded.
    private static HostGraph MemoryOrders()
    {
        GraphBuilder b = new();
        string x = b.Input("images", ElementType.Float32, TensorShape.Of(-1, 3, 5, 7));
        x = b.Conv(x, 6, 3, padding: 1);
        string last = b.LayerNorm(b.Transpose(x, [0, 2, 3, 1], "last"), name: "normed");
        x = b.Relu(b.Transpose(last, [0, 3, 1, 2], "first"));
        string sequence = b.Transpose(b.Reshape(x, [0, 6, -1], "flat"), [0, 2, 1], "tokens");
        string rows = b.Reshape(sequence, [-1, 6], "rows");
        string mixed = b.Reshape(b.Linear(rows, 8, name: "mix"), [-1, 35, 8], "unfolded");
        string parts = b.Split(mixed, 2, 2, "half")[1];
        string channels = b.MatMul(b.Parameter("left", [4, 35], Initializer.Uniform(0.3), ParameterRole.Weight), parts, "left.product");
        b.Input("labels", ElementType.Int64, [Dimension.Batch]);
        string logits = b.Linear(b.Flatten(b.Apply("Tanh", "tanh", [channels])), 5, name: "logits");
        return b.Build([logits], b.CrossEntropy(logits, "labels"), logits, "labels");
    }
}
