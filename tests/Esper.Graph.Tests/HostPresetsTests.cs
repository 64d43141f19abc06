using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class HostPresetsTests
{
    // Parameters and float buffers of the same architectures as torch 1.13 modules, counted by
    // sum(p.numel() for p in m.parameters()) over the modules of the static PyTorch baseline, nn.Linear stacks, and for
    // char-gpt nn.Embedding, nn.LayerNorm, nn.MultiheadAttention and nn.Linear.
    [Theory]
    [InlineData("cnn3", 94_762, 448)]
    [InlineData("cnn3:16-32-64", 24_346, 224)]
    [InlineData("cnn3:8", 322, 16)]
    [InlineData("cnn3:7-9-11-13-15", 4_959, 110)]
    [InlineData("wrn-16-1", 175_066, 928)]
    [InlineData("wrn-28-1", 369_498, 1_824)]
    [InlineData("wrn-16-0.25", 12_170, 256)]
    [InlineData("wrn-10-2", 303_706, 928)]
    [InlineData("wrn-40-2", 2_243_546, 5_408)]
    [InlineData("mlp", 411_146, 0)]
    [InlineData("mlp:256-256", 855_050, 0)]
    [InlineData("char-gpt", 826_368, 0)]
    public void Have_as_many_parameters_as_in_PyTorch(string spec, long parameters, long buffers)
    {
        HostPreset preset = Preset(spec);
        GraphCost cost = GraphCost.Of(preset.Graph);
        Assert.Equal((parameters, buffers), (cost.Parameters, cost.Buffers));
        Assert.Equal(spec, preset.Name);
        Assert.Empty(GraphValidator.Check(preset.Graph));
        Assert.NotEmpty(LatticeWrapping.Wrap(preset.Graph, preset.DefaultSites, 1).Sites);
    }

    [Fact]
    public void Small_transformer_has_as_many_parameters_as_in_PyTorch() =>
        Assert.Equal(58_032, GraphCost.Of(HostPresets.Create("char-gpt:2-48-3", new TextInput(11, 7)).Graph).Parameters);

    [Fact]
    public void Every_listed_name_builds()
    {
        Assert.Equal(["cnn3", "wrn-16-1", "wrn-28-1", "mlp", "char-gpt"], HostPresets.Names.ToArray());
        Assert.All(HostPresets.Names, name => Assert.Equal(name, Preset(name).Name));
    }

    [Fact]
    public void Image_hosts_end_in_logits_and_loss()
    {
        foreach (string spec in new[] { "cnn3", "wrn-16-1", "mlp" })
        {
            HostGraph graph = HostPresets.Create(spec, new ImageInput(1, 28, 30, 7)).Graph;
            GraphShapes shapes = ShapeInference.Infer(graph);
            Assert.Equal(new GraphInput("images", ElementType.Float32, Shape(N, 1, 28, 30)), graph.Inputs[0]);
            Assert.Equal(new GraphInput("labels", ElementType.Int64, Shape(N)), graph.Inputs[1]);
            Assert.Equal(("logits", "loss", "labels"), (graph.Logits, graph.Loss, graph.Labels));
            Assert.Equal(["logits"], graph.Outputs.ToArray());
            Assert.Equal(Shape(N, 7), shapes["logits"].Shape);
            Assert.Equal(HostTask.ImageClassification, Preset(spec).Task);
        }
    }

    [Fact]
    public void The_transformer_keeps_classes_on_axis_1_and_masks_the_future()
    {
        HostPreset preset = HostPresets.Create("char-gpt:2-48-3", new TextInput(11, 7));
        GraphShapes shapes = ShapeInference.Infer(preset.Graph);
        Assert.Equal(Shape(N, 11, 7), shapes["logits"].Shape);
        Assert.Equal(new TensorType(ElementType.Int64, Shape(N, 7)), shapes["labels"]);
        Assert.Equal(Shape(N, 7, 48), shapes["block2.out"].Shape);
        Node attention = preset.Graph.ProducerOf("block1.attention")!;
        Assert.Equal((3L, 3L, 1L), (attention.Attributes.Int("q_num_heads", 0), attention.Attributes.Int("kv_num_heads", 0), attention.Attributes.Int("is_causal", 0)));
        Assert.Equal(HostTask.NextToken, preset.Task);
        Assert.Equal(["block1.out", "block2.out"], LatticeWrapping.Wrap(preset.Graph, preset.DefaultSites, 1).Sites.Select(s => s.ValueName));
    }

    [Fact]
    public void Initialisers_are_PyTorchs_defaults_and_GPT2s()
    {
        HostGraph cnn = Preset("cnn3").Graph;
        Assert.Equal(Initializer.KaimingUniformTorch(32 * 9), cnn.FindParameter("block2.conv.weight")!.Initializer);
        Assert.Equal(Initializer.KaimingUniformTorch(128), cnn.FindParameter("logits.weight")!.Initializer);
        Assert.Equal(Initializer.KaimingUniformTorch(128), cnn.FindParameter("logits.bias")!.Initializer);
        Assert.Equal(Initializer.Ones, cnn.FindParameter("block1.bn.weight")!.Initializer);
        Assert.Equal(Initializer.Zeros, cnn.FindParameter("block1.bn.running_mean")!.Initializer);
        Assert.Equal(Initializer.Ones, cnn.FindParameter("block1.bn.running_var")!.Initializer);

        HostGraph gpt = Preset("char-gpt").Graph;
        foreach (string name in new[] { "token.weight", "position.weight", "head.weight", "block3.qkv.weight", "block3.expand.weight" })
        {
            Assert.Equal(Initializer.Normal(0.02), gpt.FindParameter(name)!.Initializer);
        }

        foreach (string name in new[] { "block3.mix.weight", "block3.shrink.weight" })
        {
            Assert.Equal(Initializer.Normal(0.02 / Math.Sqrt(8)), gpt.FindParameter(name)!.Initializer);
        }
    }

    [Fact]
    public void Roles_tell_weights_from_norms_and_statistics()
    {
        HostGraph graph = Preset("cnn3").Graph;
        Assert.Equal(
            [ParameterRole.Weight, ParameterRole.Norm, ParameterRole.Norm, ParameterRole.Statistic, ParameterRole.Statistic],
            graph.Parameters.Take(5).Select(p => p.Role));
        Assert.All(graph.Parameters, p => Assert.Equal(p.Role != ParameterRole.Statistic, p.Trained));
        Assert.Equal(ParameterRole.Embedding, Preset("char-gpt").Graph.FindParameter("position.weight")!.Role);
        Assert.Equal(ParameterRole.Bias, graph.FindParameter("logits.bias")!.Role);
    }

    [Fact]
    public void Batch_norm_keeps_nine_tenths_of_the_old_statistic_as_PyTorch_does()
    {
        NodeAttributes attributes = Preset("cnn3").Graph.ProducerOf("block1.bn")!.Attributes;
        Assert.Equal((1e-5, 0.9), (attributes.Float("epsilon", 0), attributes.Float("momentum", 0)));
    }

    [Fact]
    public void Wide_residual_blocks_are_wired_as_in_the_paper()
    {
        HostGraph graph = Preset("wrn-16-1").Graph;
        Assert.Equal(["block1.conv2", "stem"], graph.ProducerOf("block1.out")!.Inputs.ToArray());
        Assert.Equal(["block2.conv2", "block1.out"], graph.ProducerOf("block2.out")!.Inputs.ToArray());
        Assert.Equal(["block3.conv2", "block3.shortcut"], graph.ProducerOf("block3.out")!.Inputs.ToArray());
        Assert.Equal("block3.relu1", graph.ProducerOf("block3.shortcut")!.Inputs[0]);
        Assert.Equal("block3.relu1", graph.ProducerOf("block3.conv1")!.Inputs[0]);
        GraphShapes shapes = ShapeInference.Infer(graph);
        Assert.Equal(
            ["[N, 16, 32, 32]", "[N, 16, 32, 32]", "[N, 32, 16, 16]", "[N, 32, 16, 16]", "[N, 64, 8, 8]", "[N, 64, 8, 8]"],
            Enumerable.Range(1, 6).Select(i => shapes[$"block{i}.out"].Shape.ToString()));

        // The first block gets a shortcut only where the width factor changes the width.
        Assert.NotNull(Preset("wrn-10-2").Graph.ProducerOf("block1.shortcut"));
        Assert.Null(graph.ProducerOf("block1.shortcut"));
    }

    [Fact]
    public void Label_smoothing_reaches_the_loss()
    {
        HostGraph smooth = HostPresets.Create("cnn3", new ImageInput(3, 32, 32, 10), 0.1).Graph;
        Assert.Equal(0.1, smooth.ProducerOf("loss")!.Attributes.Float("label_smoothing", 0));
        Assert.Null(Preset("cnn3").Graph.ProducerOf("loss")!.Attributes.Find("label_smoothing"));
        string message = Assert.Throws<GraphException>(
            () => HostPresets.Create("cnn3", new ImageInput(3, 32, 32, 10), 1.5)).Message;
        Assert.Equal("node 'loss' (SoftmaxCrossEntropyLoss): label_smoothing 1.5 is not in [0, 1)", message);
    }

    [Theory]
    [InlineData("cn3", "'cn3' is no host. Did you mean 'cnn3'? Known: cnn3, wrn-16-1, wrn-28-1, mlp, char-gpt. Forms: ")]
    [InlineData("resnet", "'resnet' is no host. Known: cnn3, wrn-16-1, ")]
    [InlineData("wrn-17-1", "host 'wrn-17-1': depth 17 is not 6 n + 4 with n of 1 or more. Did you mean 'wrn-16-1'?")]
    [InlineData("wrn-4-1", "host 'wrn-4-1': depth 4 is not 6 n + 4 with n of 1 or more. Did you mean 'wrn-10-1'?")]
    [InlineData("wrn-16", "host 'wrn-16': '16' must be a depth and a width factor that is a multiple of 1/16, such as 28-1 or 28-0.25. Forms: ")]
    [InlineData("wrn-16-0.3", "host 'wrn-16-0.3': '16-0.3' must be a depth and a width factor that is a multiple of 1/16")]
    [InlineData("wrn-16-0", "host 'wrn-16-0': '16-0' must be a depth and a width factor")]
    [InlineData("wrn-17-0.5", "host 'wrn-17-0.5': depth 17 is not 6 n + 4 with n of 1 or more. Did you mean 'wrn-16-0.5'?")]
    [InlineData("cnn3:16-x", "host 'cnn3:16-x': '16-x' must be 1 to 6 whole numbers from 1 to 65536 with '-' between them. ")]
    [InlineData("cnn3:0", "host 'cnn3:0': '0' must be 1 to 6 whole numbers")]
    [InlineData("cnn3:1-1-1-1-1-1-1", "host 'cnn3:1-1-1-1-1-1-1': '1-1-1-1-1-1-1' must be 1 to 6 whole numbers")]
    [InlineData("char-gpt", "host 'char-gpt' reads text, but the data are 3x32x32 images, 10 classes; for images take cnn3, wrn-16-1, wrn-28-1, mlp")]
    public void Unknown_or_unfit_specifications_say_what_would_fit(string spec, string expected)
    {
        string message = Assert.Throws<GraphException>(() => HostPresets.Create(spec, new ImageInput(3, 32, 32, 10))).Message;
        Assert.StartsWith(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unfit_data_are_refused()
    {
        string Message(string spec, HostInput input) =>
            Assert.Throws<GraphException>(() => HostPresets.Create(spec, input)).Message;
        Assert.Equal(
            "host 'cnn3' reads images, but the data are sequences of 7 tokens, vocabulary 11; for text take char-gpt",
            Message("cnn3", new TextInput(11, 7)));
        Assert.Equal(
            "host 'cnn3' halves images 3 times and needs 8x8 pixels or more, but the data are 1x7x9 images, 10 classes; name fewer widths",
            Message("cnn3", new ImageInput(1, 7, 9, 10)));
        Assert.Equal("host 'char-gpt:1-10-4': width 10 is not a multiple of 4 heads", Message("char-gpt:1-10-4", new TextInput(11, 7)));
        Assert.Equal(
            "no host reads 1x7x9 images, 1 classes: sizes must be 1 or larger, classes and vocabulary 2 or larger",
            Message("mlp", new ImageInput(1, 7, 9, 1)));
    }
}
