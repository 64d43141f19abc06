using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class GraphBuilderTests
{
    [Fact]
    public void Names_take_the_scope_and_a_number_where_taken()
    {
        GraphBuilder builder = new();
        string x = builder.Input("x", ElementType.Float32, Shape(N, 4));
        using (builder.Scope("outer"))
        {
            using (builder.Scope("inner"))
            {
                x = builder.Linear(x, 4);
                Assert.Equal("outer.inner.fc", x);
                x = builder.Linear(x, 4, bias: false);
                Assert.Equal("outer.inner.fc_2", x);
            }

            x = builder.Relu(x);
            Assert.Equal("outer.relu", x);
        }

        x = builder.Relu(x);
        HostGraph graph = builder.Build([x]);
        Assert.Equal(
            ["outer.inner.fc.weight", "outer.inner.fc.bias", "outer.inner.fc_2.weight"], graph.Parameters.Select(p => p.Name));
        Assert.Equal(["outer.inner.fc", "outer.inner.fc_2", "outer.relu", "relu"], graph.Nodes.Select(n => n.Name));
    }

    [Fact]
    public void A_scope_closes_once()
    {
        GraphBuilder builder = new();
        string x = builder.Input("x", ElementType.Float32, Shape(N, 4));
        IDisposable outer = builder.Scope("outer");
        IDisposable inner = builder.Scope("inner");
        inner.Dispose();
        inner.Dispose();
        Assert.Equal("outer.relu", builder.Relu(x));
        outer.Dispose();
        Assert.Equal("relu", builder.Relu(x));
    }

    [Fact]
    public void A_mistake_throws_where_it_is_made()
    {
        GraphBuilder builder = new();
        string a = builder.Input("a", ElementType.Float32, Shape(N, 16, 32, 32));
        string b = builder.Input("b", ElementType.Float32, Shape(N, 32, 16, 16));
        using IDisposable scope = builder.Scope("block2");
        GraphException failure = Assert.Throws<GraphException>(() => builder.Add(a, b));
        Assert.Equal("node 'block2.add' (Add): shapes [N, 16, 32, 32] and [N, 32, 16, 16] do not broadcast", failure.Message);
        failure = Assert.Throws<GraphException>(() => builder.Relu("nowhere"));
        Assert.Equal("node 'block2.relu' (Relu): input 'nowhere' is not made before it is used", failure.Message);
        failure = Assert.Throws<GraphException>(() => builder.Input("a", ElementType.Float32, Shape(N)));
        Assert.Equal("value 'a': the name is used for more than one value", failure.Message);
    }

    [Fact]
    public void Build_validates()
    {
        GraphBuilder builder = new();
        string x = builder.Input("x", ElementType.Float32, Shape(N, 4));
        GraphException failure = Assert.Throws<GraphException>(() => builder.Build([builder.Relu(x)], loss: "relu"));
        Assert.Equal("loss 'relu': it is Float32[N, 4], a Float32 scalar [] is needed", failure.Message);
    }

    [Fact]
    public void Convolutions_take_stride_padding_dilation_and_groups()
    {
        GraphBuilder builder = new();
        string x = builder.Input("x", ElementType.Float32, Shape(N, 6, 17, 17));
        string y = builder.Conv(x, 4, kernel: 3, stride: 2, padding: 1, groups: 2, dilation: 2);
        HostGraph graph = builder.Build([y]);

        // (17 + 2 - (2 * 2 + 1)) / 2 + 1 = 8
        Assert.Equal(Shape(N, 4, 8, 8), ShapeInference.Infer(graph)["conv"].Shape);
        Assert.Equal(Shape(4, 3, 3, 3), graph.FindParameter("conv.weight")!.Shape);
        Assert.Equal(Initializer.KaimingUniformTorch(27), graph.FindParameter("conv.bias")!.Initializer);
    }
}
