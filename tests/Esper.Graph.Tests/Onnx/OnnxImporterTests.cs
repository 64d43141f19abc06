using System.Collections.Immutable;
using Esper.Graph.Onnx;
using static Esper.Graph.Tests.Onnx.TestModel;

namespace Esper.Graph.Tests.Onnx;

public sealed class OnnxImporterTests
{
    [Fact]
    public void A_convolutional_network_becomes_a_host()
    {
        ImportedHost host = OnnxImporter.Import(OnnxReader.Read(Bytes(SampleModels.Convolutional())));
        Assert.Equal(["Conv", "BatchNormalization", "Relu", "MaxPool", "Flatten", "Gemm"], host.Graph.Nodes.Select(node => node.Op));
        Assert.Equal("[N, 3, 8, 8]", host.Graph.Inputs[0].Shape.ToString());
        Assert.Equal("[N, 5]", ShapeInference.Infer(host.Graph)["logits"].Shape.ToString());
        Assert.Equal("logits", Assert.Single(host.Graph.Outputs));
        Assert.Equal(
            ["bn.bias", "bn.weight", "conv.bias", "conv.weight", "fc.bias", "fc.weight"],
            host.Graph.Parameters.Where(parameter => parameter.Trained).Select(parameter => parameter.Name).Order(StringComparer.Ordinal));
        Assert.Equal(ParameterRole.Statistic, host.Graph.FindParameter("bn.running_var")!.Role);
        Assert.Equal([1f, 1f, 1f, 1f], ParameterMaterializer.Materialize(host.Graph.FindParameter("bn.running_var")!, 0).ToArray());
        Assert.Equal(ParameterRole.Bias, host.Graph.FindParameter("fc.bias")!.Role);
        Assert.Equal(ParameterRole.Norm, host.Graph.FindParameter("bn.weight")!.Role);
        Assert.Equal(1, host.Operators["Gemm"]);
    }

    [Fact]
    public void Statistics_are_constants_where_normalisation_does_not_live()
    {
        ImportedHost host = OnnxImporter.Import(SampleModels.Convolutional(), new ImportOptions { Live = false });
        Assert.NotNull(host.Graph.FindConstant("bn.running_mean"));
        Assert.Null(host.Graph.FindParameter("bn.running_mean"));
    }

    [Fact]
    public void Targets_of_reshapes_are_computed_from_shapes()
    {
        HostGraph graph = OnnxImporter.Import(SampleModels.Shapes()).Graph;
        GraphShapes shapes = ShapeInference.Infer(graph);
        Assert.Equal(["Reshape", "MatMul", "Reshape"], graph.Nodes.Select(node => node.Op));
        Assert.Equal("[N*2, 12]", shapes["y"].Shape.ToString());
        Assert.Equal("[N, 6]", shapes["out"].Shape.ToString());
    }

    [Fact]
    public void Functions_are_taken_apart_and_their_attributes_resolved()
    {
        HostGraph graph = OnnxImporter.Import(OnnxReader.Read(Bytes(SampleModels.Functions()))).Graph;
        Assert.Equal(["MatMul", "LeakyRelu", "MatMul", "LeakyRelu"], graph.Nodes.Select(node => node.Op));
        Assert.Equal(0.2, graph.Nodes[1].Attributes.Float("alpha", 0), 1e-7);

        // The second call leaves the attribute out, and so does the node inside.
        Assert.Null(graph.Nodes[3].Attributes.Find("alpha"));
        Assert.Equal("y", graph.Nodes[3].Outputs[0]);
    }

    [Fact]
    public void The_branch_that_is_taken_replaces_an_if()
    {
        HostGraph graph = OnnxImporter.Import(OnnxReader.Read(Bytes(SampleModels.Branches()))).Graph;
        Assert.Contains(graph.Nodes, node => node.Op == "Relu");
        Assert.DoesNotContain(graph.Nodes, node => node.Op == "Neg");
        Assert.Equal("y", Assert.Single(graph.Outputs));
    }

    [Fact]
    public void Axes_attributes_of_old_versions_become_inputs()
    {
        HostGraph graph = OnnxImporter.Import(OnnxReader.Read(Bytes(SampleModels.Constants()))).Graph;
        Node mean = Assert.Single(graph.Nodes, node => node.Op == "ReduceMean");
        Assert.Equal(-1, Assert.Single(graph.FindConstant(mean.Inputs[1])!.Integers));
        Assert.Null(mean.Attributes.Find("axes"));
    }

    [Fact]
    public void Nodes_may_stand_in_any_order()
    {
        OnnxModel model = SampleModels.Convolutional();
        OnnxModel shuffled = model with { Graph = model.Graph with { Nodes = [.. model.Graph.Nodes.Reverse()] } };
        Assert.Equal(OnnxImporter.Import(model).Graph, OnnxImporter.Import(shuffled).Graph);
    }

    [Fact]
    public void Tensors_that_no_gradient_reaches_are_not_trained_and_said_to_be_so()
    {
        ImportedHost host = OnnxImporter.Import(new TestModel()
            .Input("x", -1, 4).Weight("w", 4, 4).Weight("unused", 3).Tensor(Floats("scale", [], 0.5f)).Tensor(Floats("frozen.w", [4], 1, 2, 3, 4))
            .Node("MatMul x,w -> h").Node("Mul h,scale -> s").Node("Add s,frozen.w -> y").Output("y").Build(),
            new ImportOptions { Frozen = ["frozen.*"] });
        Assert.Equal(["w"], host.Graph.Parameters.Select(parameter => parameter.Name));
        Assert.Equal(
            [("scale", "a single number in arithmetic"), ("frozen.w", "frozen by request")], host.Untrained.Select(tensor => (tensor.Name, tensor.Reason)));
    }

    [Fact]
    public void Halves_and_narrow_integers_are_widened()
    {
        OnnxTensor half = new()
        {
            Name = "w", ElementType = 10, Extents = [2], Integers = [BitConverter.HalfToUInt16Bits((Half)1.5), BitConverter.HalfToUInt16Bits((Half)(-2))],
        };
        OnnxTensor brain = new() { Name = "b", ElementType = 16, Extents = [2], Raw = new byte[] { 0x80, 0x3F, 0x00, 0xC0 } };
        HostGraph graph = OnnxImporter.Import(new TestModel().InputOf(10, "x", -1, 2).Tensor(half).Tensor(brain)
            .Node("Mul x,w -> m").Node("Add m,b -> y").Output("y").Build()).Graph;
        Assert.Equal(ElementType.Float32, graph.Inputs[0].ElementType);
        Assert.Equal([1.5f, -2f], ParameterMaterializer.Materialize(graph.FindParameter("w")!, 0).ToArray());
        Assert.Equal([1f, -2f], ParameterMaterializer.Materialize(graph.FindParameter("b")!, 0).ToArray());
    }

    [Theory]
    [InlineData(12, "versions 13 to")]
    [InlineData(999, "versions 13 to")]
    public void Other_versions_of_the_operators_are_refused(long opset, string expected) =>
        Refused(new TestModel(opset).Input("x", -1).Node("Relu x -> y").Output("y").Build(), expected);

    public static TheoryData<string, string> Faults() => new()
    {
        { "Relu z -> y", "node 'n0' (Relu): it reads 'z', which is no input, no initializer and no node's output" },
        { "Frobnicate x -> y", "node 'n0' (Frobnicate): the operator is not supported" },
        { "other.Relu x -> y", "node 'n0' (other.Relu): operators of the domain 'other' are not supported" },
        { "MatMul x,x -> y", "node 'n0' (MatMul): " },
        { "Relu y -> y", "node 'n0' (Relu): it stands in a cycle" },
        { "Relu x -> x", "node 'n0' (Relu): it makes 'x', which is another value's name too" },
        { "Add x -> y", "node 'n0' (Add): " },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Faults_are_named_with_node_and_operator(string node, string expected) =>
        Refused(new TestModel().Input("x", -1, 4).Node(node).Output("y").Build(), expected);

    [Fact]
    public void All_faults_are_named_but_not_what_follows_from_them()
    {
        OnnxImportException e = Assert.Throws<OnnxImportException>(() => OnnxImporter.Import(new TestModel().Input("x", -1, 4)
            .Node("Foo x -> a").Node("Relu a -> b").Node("Bar x -> c").Node("Add b,c -> y").Output("y").Build()));
        Assert.Equal(["Foo", "Bar"], e.Problems.Select(problem => problem.Operator));
    }

    [Fact]
    public void A_reshape_by_data_is_refused() => Refused(
        new TestModel().Input("x", -1, 4).InputOf(7, "s", 2).Node("Reshape x,s -> y").Output("y").Build(), "is computed from the data");

    [Fact]
    public void Open_axes_beside_the_batch_need_a_shape()
    {
        TestModel model = new TestModel().Input(Value("tokens", 7, new OnnxDimension(null, "batch"), new OnnxDimension(null, "length")))
            .Weight("table", 10, 3).Node("Gather table,tokens -> y").Output("y");
        Refused(model.Build(), "Give its shape: tokens=N,length");
        ImportOptions options = new() { InputShapes = ImmutableDictionary<string, TensorShape>.Empty.Add("tokens", TensorShape.Of(-1, 5)) };
        HostGraph graph = OnnxImporter.Import(model.Build(), options).Graph;
        Assert.Equal("[N, 5, 3]", ShapeInference.Infer(graph)["y"].Shape.ToString());
        Assert.Equal(ParameterRole.Embedding, graph.Parameters[0].Role);
        Assert.Contains("no input", Assert.Throws<OnnxImportException>(() => OnnxImporter.Import(
            model.Build(), options with { InputShapes = options.InputShapes.Add("token", [1]) })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Content_that_does_not_fill_its_shape_is_refused() => Assert.Contains(
        "bytes do not fill its shape",
        Assert.ThrowsAny<Exception>(() => OnnxImporter.Import(new TestModel().Input("x", -1, 4)
            .Tensor(Floats("w", [1L << 40, 4], 1)).Node("MatMul x,t -> y").Node("Transpose w -> t").Output("y").Build())).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Functions_that_call_themselves_or_unfold_without_end_are_refused()
    {
        OnnxFunction Calls(string name, params string[] others) => new()
        {
            Name = name, Domain = "d", Inputs = ["a"], Outputs = ["o"],
            Nodes = [.. others.Select((other, i) => new OnnxNode { Op = other, Domain = "d", Inputs = ["a"], Outputs = [i == 0 ? "o" : $"o{i}"] })],
        };
        TestModel Model() => new TestModel().Input("x", -1, 4).Node("d.F0 x -> y").Output("y");
        Refused(Model().Function(Calls("F0", "F0")).Build(), "calls itself");
        TestModel wide = Model();
        for (int i = 0; i < 60; i++)
        {
            wide.Function(Calls($"F{i}", $"F{i + 1}", $"F{i + 1}"));
        }

        Refused(wide.Function(Calls("F60")).Build(), "more than");
    }

    [Fact]
    public void Names_that_two_nodes_share_are_told_apart()
    {
        OnnxModel model = new TestModel().Input("x", -1, 4).Node("Relu x -> a").Node("Relu a -> y").Output("y").Build();
        model = model with { Graph = model.Graph with { Nodes = [.. model.Graph.Nodes.Select(node => node with { Name = "same" })] } };
        Assert.Equal(["same", "same.2"], OnnxImporter.Import(model).Graph.Nodes.Select(node => node.Name));
    }

    [Fact]
    public void Inputs_and_constants_can_be_handed_out()
    {
        HostGraph graph = OnnxImporter.Import(new TestModel().Input("x", -1, 4).Tensor(Integers("k", [2], 3, 4))
            .Node("Identity k -> c").Node("Relu x -> y").Output("y", "x", "c").Build()).Graph;
        Assert.Equal("y x.2 c", string.Join(' ', graph.Outputs));
    }

    private static void Refused(OnnxModel model, string expected) => Assert.Contains(
        expected, string.Join('\n', Assert.Throws<OnnxImportException>(() => OnnxImporter.Import(model)).Problems), StringComparison.Ordinal);
}
