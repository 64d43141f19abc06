using System.Text.Json;

namespace Esper.Native.Tests;

/// <summary>Graphs and inputs that are refused, and where the message points; what the training host says of itself.</summary>
public sealed class HostSessionRefusalTests
{
    [Fact]
    public void An_unknown_operator_is_refused_with_its_node_in_utf8()
    {
        HostGraphDescription graph = SmallClassifier.Graph();
        NativeException failure = Assert.Throws<NativeException>(() => HostSession.Create(
            graph with { Nodes = graph.Nodes.SetItem(2, graph.Nodes[2] with { Name = "größe/種", Op = "Frobnicate" }) }));
        Assert.StartsWith("Create: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("größe/種", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Frobnicate", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Contradictory_descriptions_are_refused_before_native_code()
    {
        HostGraphDescription graph = SmallClassifier.Graph();
        Refused("Node 'relu' names value 11; the graph has 11 values",
            graph with { Nodes = graph.Nodes.SetItem(2, graph.Nodes[2] with { Inputs = [11] }) });
        Refused("The graph's loss names value -2", graph with { Loss = -2 });
        Refused("The graph's outputs names value 12", graph with { Outputs = [12] });
        Refused("Parameter 'head.bias' has no data", Replace(graph.Values[5] with { Data = null }));
        Refused("Value 'head.bias' has extents [4], its data [3]", Replace(graph.Values[5] with { Dims = [4] }));
        Refused("Value 'head.bias' is Int64, its data are Float32",
            Replace(graph.Values[5] with { DType = HostDType.Int64 }));

        HostGraphDescription Replace(HostValue value) => graph with { Values = graph.Values.SetItem(5, value) };
    }

    [Fact]
    public void A_tensor_is_as_long_as_its_extents()
    {
        Assert.Contains("5 elements do not fill a tensor of extents [2, 3], which has 6",
            Assert.Throws<ArgumentException>(() => HostTensor.Float(new float[5], 2, 3)).Message, StringComparison.Ordinal);
        Assert.Contains("Extent -1 of [-1, 3] is negative",
            Assert.Throws<ArgumentException>(() => HostTensor.Float(new float[3], -1, 3)).Message, StringComparison.Ordinal);
        Assert.Equal(1, HostTensor.Float(new float[1]).ElementCount);
    }

    [Fact]
    public void Inputs_that_do_not_fit_are_refused()
    {
        using HostSession session = SmallClassifier.Session();
        HostTensor x = SmallClassifier.Inputs[0], labels = SmallClassifier.Inputs[1];
        Assert.Throws<NativeException>(() => session.TrainStep([x], 0.1f));
        Assert.Throws<NativeException>(() => session.TrainStep([labels, x], 0.1f));
        Assert.Throws<NativeException>(() => session.TrainStep([HostTensor.Float(new float[84], 12, 7), labels], 0.1f));
        Assert.Contains("Input 1 holds no tensor",
            Assert.Throws<ArgumentException>(() => session.TrainStep([x, default], 0.1f)).Message, StringComparison.Ordinal);
        HostTensor deep = HostTensor.Float(new float[1], [.. Enumerable.Repeat(1L, 9)]);
        Assert.Contains("Input 0 has 9 extents; the host takes 8 at most",
            Assert.Throws<ArgumentException>(() => session.TrainStep([deep, labels], 0.1f)).Message, StringComparison.Ordinal);
        Assert.True(session.TrainStep([x, labels], 0.1f).Finite);
    }

    [Fact]
    public void Optimizer_groups_are_counted()
    {
        using HostSession session = SmallClassifier.Session();
        Assert.Contains("3 parameter groups for 4 parameters",
            Assert.Throws<ArgumentException>(
                () => session.ConfigureOptimizer(OptimizerKind.Sgd, [new OptimizerGroup()], [0, 0, 0], 0)).Message,
            StringComparison.Ordinal);
        Assert.Throws<NativeException>(
            () => session.ConfigureOptimizer(OptimizerKind.Sgd, [new OptimizerGroup()], [0, 0, 0, 1], 0));
    }

    [Fact]
    public void A_disposed_session_is_refused()
    {
        HostSession session = SmallClassifier.Session();
        session.Dispose();
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.TrainStep(SmallClassifier.Inputs, 0.1f));
    }

    [Fact]
    public void A_device_that_is_not_there_is_refused_not_replaced()
    {
        using JsonDocument info = JsonDocument.Parse(NativeInfo.HostInfo);
        HostSessionOptions options = new() { Device = HostDevice.Cuda, Threads = 1 };
        if (info.RootElement.GetProperty("cuda_available").GetBoolean())
        {
            HostSession.Create(SmallClassifier.Graph(), options).Dispose();
            return;
        }

        NativeException failure = Assert.Throws<NativeException>(() => HostSession.Create(SmallClassifier.Graph(), options));
        Assert.Equal(NativeStatus.Unsupported, failure.Status);
    }

    [Fact]
    public void The_host_names_its_operators_and_libraries()
    {
        Assert.Contains("Gemm", NativeInfo.HostOperators);
        Assert.Contains("esper.Lattice", NativeInfo.HostOperators);
        using JsonDocument info = JsonDocument.Parse(NativeInfo.HostInfo);
        Assert.Equal(
            ["libtorch", "threads", "blas", "parallel", "cuda_built", "cuda_available", "cpu_capability"],
            info.RootElement.EnumerateObject().Select(item => item.Name));
        Assert.True(NativeInfo.MeasureMatmul() > 0);
    }

    private static void Refused(string text, HostGraphDescription graph) => Assert.Contains(
        text, Assert.Throws<ArgumentException>(() => HostSession.Create(graph)).Message, StringComparison.Ordinal);
}
