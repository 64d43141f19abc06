namespace Esper.Graph;

/// <content>Layers that bring their own parameters, initialised as PyTorch does by default.</content>
public sealed partial class GraphBuilder
{
    /// <summary>
    /// 2-D convolution with a square kernel: x [N, C, H, W] -> [N, outputChannels, H', W']. Parameters <c>NAME.weight</c>
    /// [outputChannels, C / groups, kernel, kernel] and with <paramref name="bias"/> <c>NAME.bias</c>.
    /// </summary>
    public string Conv(
        string x, int outputChannels, int kernel, int stride = 1, int padding = 0, int groups = 1, int dilation = 1,
        bool bias = true, string name = "conv")
    {
        name = Free(name);
        TensorShape shape = TypeOf(x).Shape;
        if (shape.Rank != 4)
        {
            throw new GraphException($"node '{Scoped(name)}' (Conv): input {shape} must be [N, C, H, W]");
        }

        long channels = shape[1].Size / groups;
        Initializer initializer = Initializer.KaimingUniformTorch(Math.Max(1, channels * kernel * kernel));
        string weight = Parameter(
            name + ".weight", [outputChannels, channels, kernel, kernel], initializer, ParameterRole.Weight);
        List<string> inputs = [x, weight];
        if (bias)
        {
            inputs.Add(Parameter(name + ".bias", [outputChannels], initializer, ParameterRole.Bias));
        }

        return Apply("Conv", name, [.. inputs], NodeAttributes.Of(
            ("dilations", new long[] { dilation, dilation }),
            ("group", (long)groups),
            ("kernel_shape", new long[] { kernel, kernel }),
            ("pads", new long[] { padding, padding, padding, padding }),
            ("strides", new long[] { stride, stride })));
    }

    /// <summary>
    /// Batch normalisation over axis 1. Parameters <c>NAME.weight</c>, <c>NAME.bias</c>; buffers <c>NAME.running_mean</c>,
    /// <c>NAME.running_var</c>.
    /// </summary>
    /// <param name="x">The value.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="momentum">Share of the old statistic that is kept, ONNX's convention: 0.9 is PyTorch's 0.1.</param>
    /// <param name="name">Name of the node.</param>
    public string BatchNorm(string x, double epsilon = 1e-5, double momentum = 0.9, string name = "bn")
    {
        name = Free(name);
        TensorShape channels = [TypeOf(x).Shape[1]];
        return Apply(
            "BatchNormalization",
            name,
            [
                x,
                Parameter(name + ".weight", channels, Initializer.Ones, ParameterRole.Norm),
                Parameter(name + ".bias", channels, Initializer.Zeros, ParameterRole.Norm),
                Parameter(name + ".running_mean", channels, Initializer.Zeros, ParameterRole.Statistic, trained: false),
                Parameter(name + ".running_var", channels, Initializer.Ones, ParameterRole.Statistic, trained: false),
            ],
            NodeAttributes.Of(("epsilon", epsilon), ("momentum", momentum)));
    }

    /// <summary>Layer normalisation over the last axis. Parameters <c>NAME.weight</c>, <c>NAME.bias</c>.</summary>
    public string LayerNorm(string x, double epsilon = 1e-5, string name = "ln")
    {
        name = Free(name);
        TensorShape width = [TypeOf(x).Shape[^1]];
        return Apply(
            "LayerNormalization",
            name,
            [
                x,
                Parameter(name + ".weight", width, Initializer.Ones, ParameterRole.Norm),
                Parameter(name + ".bias", width, Initializer.Zeros, ParameterRole.Norm),
            ],
            NodeAttributes.Of(("axis", -1L), ("epsilon", epsilon)));
    }

    /// <summary>
    /// Linear layer over a matrix as Gemm: x [N, K] -> [N, outputs]. Parameters <c>NAME.weight</c> [outputs, K] as in PyTorch, and
    /// with <paramref name="bias"/> <c>NAME.bias</c>.
    /// </summary>
    public string Linear(string x, int outputs, bool bias = true, string name = "fc")
    {
        name = Free(name);
        long inputs = TypeOf(x).Shape[^1].Size;
        Initializer initializer = Initializer.KaimingUniformTorch(Math.Max(1, inputs));
        List<string> operands = [x, Parameter(name + ".weight", [outputs, inputs], initializer, ParameterRole.Weight)];
        if (bias)
        {
            operands.Add(Parameter(name + ".bias", [outputs], initializer, ParameterRole.Bias));
        }

        return Apply("Gemm", name, [.. operands], NodeAttributes.Of(("transB", 1L)));
    }

    /// <summary>
    /// Linear layer over the last axis as MatMul and Add: x [..., K] -> [..., outputs]. Parameters <c>NAME.weight</c> [K, outputs]
    /// and with <paramref name="bias"/> <c>NAME.bias</c>, which starts at zero. The last node carries the name itself.
    /// </summary>
    public string Project(string x, int outputs, Initializer initializer, bool bias = true, string name = "proj")
    {
        name = Free(name);
        long inputs = TypeOf(x).Shape[^1].Size;
        string weight = Parameter(name + ".weight", [inputs, outputs], initializer, ParameterRole.Weight);
        if (!bias)
        {
            return MatMul(x, weight, name);
        }

        string product = MatMul(x, weight, name + ".product");
        return Add(product, Parameter(name + ".bias", [outputs], Initializer.Zeros, ParameterRole.Bias), name);
    }

    /// <summary>
    /// Table look-up: indices [...] int64 -> [..., width]. Parameter <c>NAME.weight</c> [entries, width].
    /// </summary>
    public string Embedding(string indices, int entries, int width, Initializer initializer, string name = "embedding")
    {
        name = Free(name);
        string table = Parameter(name + ".weight", [entries, width], initializer, ParameterRole.Embedding);
        return Gather(table, indices, axis: 0, name);
    }

    // A layer's parameters are called after its node, so the node's final name must be known first.
    private string Free(string name) => Unique(Scoped(name))[(Scoped(name).Length - name.Length)..];
}
