using System.Buffers;
using System.Diagnostics;
using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

/// <summary>Wrapping costs time by nodes, never by weights.</summary>
public sealed class LargeGraphTests
{
    // The platform's promise: a host of a billion parameters in less than a second.
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(1);

    public static TheoryData<string, int> Selections => new()
    {
        { "joins", 48 },
        { "auto:48", 48 },
        { "layer*.mid", 24 },
        { "op:Add", 193 },
    };

    [Theory]
    [MemberData(nameof(Selections))]
    public void A_billion_parameters_are_wrapped_within_a_second_and_none_is_read(string selector, int sites)
    {
        HostGraph graph = Gpt(layers: 24, width: 2048);
        long parameters = graph.Parameters.Sum(p => p.ElementCount);
        Assert.True(parameters > 1_000_000_000, $"{parameters}");
        LatticeWrapping.Wrap(graph, [selector], 8);

        HostGraph fresh = graph with { };
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        WrappedGraph wrapped = LatticeWrapping.Wrap(fresh, [selector], 8);
        TimeSpan taken = Stopwatch.GetElapsedTime(start);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(sites, wrapped.Sites.Length);
        Assert.True(taken < Promise, $"{taken.TotalMilliseconds} ms");

        // One percent of the weights' bytes; in fact a thousandth of that.
        Assert.True(allocated < parameters * sizeof(float) / 100, $"{allocated} bytes");
        Assert.All(wrapped.Graph.Parameters.Zip(graph.Parameters), pair => Assert.Same(pair.Second, pair.First));

        // To compare and to hash graphs reads no weight either: Unread throws where one is.
        Assert.Equal(wrapped, LatticeWrapping.Wrap(graph, [selector], 8));
        Assert.Equal(wrapped.GetHashCode(), LatticeWrapping.Wrap(graph, [selector], 8).GetHashCode());
    }

    [Fact]
    public void Weights_of_the_same_memory_are_equal_unread_and_others_are_compared()
    {
        using Unread memory = new(1000);
        Assert.Equal(new TensorData(memory.Memory), new TensorData(memory.Memory));
        Assert.NotEqual(new TensorData(memory.Memory), new TensorData(memory.Memory[1..]));
        Assert.Throws<InvalidOperationException>(() => new TensorData(memory.Memory).Equals(new TensorData(new float[1000])));
        Assert.Equal(new TensorData(new float[] { 1, float.NaN }), new TensorData(new float[] { 1, float.NaN }));
        Assert.NotEqual(new TensorData(new float[] { 0f }), new TensorData(new float[] { -0f }));
    }

    /// <summary>Graphs whose sites do not shield each other: a walk of its own for each site would pass most of the graph.</summary>
    [Theory]
    [InlineData("branch*", "stream")]
    [InlineData("branch*", "elementwise")]
    [InlineData("auto:500", "stream")]
    [InlineData("joins", "stream")]
    public void Time_grows_with_the_nodes_and_not_with_nodes_times_sites(string selector, string kind)
    {
        // Ten times the nodes and sites: linear is 10, quadratic 100. Memory counts work without the noise of a shared machine.
        (double _, long small) = Measure(500, 50);
        (double milliseconds, long large) = Measure(5000, 500);
        Assert.True(large < 25 * small, $"{small} bytes, then {large}");
        Assert.True(milliseconds < Promise.TotalMilliseconds, $"{milliseconds} ms");

        (double Milliseconds, long Bytes) Measure(int nodes, int sites)
        {
            HostGraph graph = kind == "stream" ? Stream(nodes, sites) : Elementwise(nodes, sites);
            string used = selector.Replace("500", $"{sites}", StringComparison.Ordinal);
            (double best, long bytes) = (double.MaxValue, 0);
            for (int i = 0; i < 5; i++)
            {
                HostGraph fresh = graph with { };
                long before = GC.GetAllocatedBytesForCurrentThread();
                long start = Stopwatch.GetTimestamp();
                WrappedGraph wrapped = LatticeWrapping.Wrap(fresh, [used], 2);
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                bytes = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.Equal(sites, wrapped.Sites.Length);
            }

            return (best, bytes);
        }
    }

    // A residual stream; a site in each branch, so that the stream leads from each of them to the beginning.
    private static HostGraph Stream(int nodes, int sites)
    {
        GraphBuilder b = new();
        string x = b.Linear(b.Input("x", ElementType.Float32, Shape(N, 4)), 4);
        int padding = (nodes / sites) - 4;
        for (int i = 0; i < sites; i++)
        {
            string y = b.Linear(b.Relu(x, $"relu{i}"), 4, name: $"fc{i}");
            for (int j = 0; j < padding; j++)
            {
                y = b.Relu(y, $"pad{i}.{j}");
            }

            x = b.Add(b.Relu(y, $"branch{i}"), x, $"join{i}");
        }

        return b.Build([b.Linear(x, 4, name: "head")]);
    }

    // No weight at all, so that a search for one goes to the beginning; all nodes read one constant.
    private static HostGraph Elementwise(int nodes, int sites)
    {
        GraphBuilder b = new();
        string x = b.Input("x", ElementType.Float32, Shape(N, 4));
        string one = HostShapes.Scalar(b, "one", 1);
        for (int i = 0; i < nodes; i++)
        {
            x = b.Mul(x, one, i % (nodes / sites) == 0 ? $"branch{i}" : $"mul{i}");
        }

        return b.Build([x]);
    }

    private static HostGraph Gpt(int layers, int width)
    {
        GraphBuilder b = new();
        string x = b.Embedding(b.Input("tokens", ElementType.Int64, Shape(N, 64)), 1000, width, Initializer.Ones, "token");
        for (int i = 0; i < layers; i++)
        {
            using (b.Scope($"layer{i}"))
            {
                string normed = b.LayerNorm(x, name: "ln1");
                string[] qkv = [.. new[] { "q", "k", "v" }.Select(name => Project(b, normed, width, name))];
                x = b.Add(x, Project(b, b.Attention(qkv[0], qkv[1], qkv[2], 16, causal: true), width, "mix"), "mid");
                string hidden = b.Gelu(Project(b, b.LayerNorm(x, name: "ln2"), 4 * width, "expand"));
                x = b.Add(x, Project(b, hidden, width, "shrink"), "out");
            }
        }

        return b.Build([Project(b, x, 1000, "head")]);
    }

    private static string Project(GraphBuilder b, string x, int outputs, string name)
    {
        int inputs = (int)b.TypeOf(x).Shape[^1].Size;
        Initializer given = Initializer.Given(new TensorData(new Unread(inputs * outputs).Memory));
        return b.Project(x, outputs, given, name: name);
    }

    /// <summary>Memory of any length that is not there: to read it is an error.</summary>
    private sealed class Unread(int length) : MemoryManager<float>
    {
        public override Memory<float> Memory => CreateMemory(length);

        public override Span<float> GetSpan() => throw new InvalidOperationException("a weight was read");

        public override MemoryHandle Pin(int elementIndex = 0) => throw new InvalidOperationException("a weight was read");

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
