using System.Collections.Immutable;

namespace Esper.Graph;

/// <content>Operators without parameters of their own.</content>
public sealed partial class GraphBuilder
{
    /// <summary>max(x, 0).</summary>
    public string Relu(string x, string name = "relu") => Apply("Relu", name, [x]);

    /// <summary>x Phi(x), exact.</summary>
    public string Gelu(string x, string name = "gelu") => Apply("Gelu", name, [x]);

    /// <summary>a + b with broadcasting.</summary>
    public string Add(string a, string b, string name = "add") => Apply("Add", name, [a, b]);

    /// <summary>a * b with broadcasting.</summary>
    public string Mul(string a, string b, string name = "mul") => Apply("Mul", name, [a, b]);

    /// <summary>Matrix product over the last two axes.</summary>
    public string MatMul(string a, string b, string name = "matmul") => Apply("MatMul", name, [a, b]);

    /// <summary>Maximum over square windows of [N, C, H, W]; the stride is the kernel where 0.</summary>
    public string MaxPool(string x, int kernel, int stride = 0, int padding = 0, string name = "pool") =>
        Apply("MaxPool", name, [x], Window(kernel, stride, padding));

    /// <summary>Mean over square windows of [N, C, H, W]; the stride is the kernel where 0.</summary>
    public string AveragePool(string x, int kernel, int stride = 0, int padding = 0, string name = "pool") =>
        Apply("AveragePool", name, [x], Window(kernel, stride, padding));

    /// <summary>Mean over all positions: [N, C, ...] -> [N, C, 1, ...].</summary>
    public string GlobalAveragePool(string x, string name = "gap") => Apply("GlobalAveragePool", name, [x]);

    /// <summary>[N, ...] -> [N, product of the rest].</summary>
    public string Flatten(string x, string name = "flatten") =>
        Apply("Flatten", name, [x], NodeAttributes.Of(("axis", 1L)));

    /// <summary>x in another shape; 0 copies an extent, -1 is what remains. Adds the constant <c>NAME.shape</c>.</summary>
    public string Reshape(string x, long[] shape, string name = "reshape")
    {
        name = Free(name);
        return Apply("Reshape", name, [x, Constant(name + ".shape", shape)]);
    }

    /// <summary>x with its axes in another order.</summary>
    public string Transpose(string x, long[] order, string name = "transpose") =>
        Apply("Transpose", name, [x], NodeAttributes.Of(("perm", order)));

    /// <summary>x in equal parts along an axis.</summary>
    public ImmutableArray<string> Split(string x, int parts, int axis, string name = "split") =>
        Apply("Split", name, [x], parts, NodeAttributes.Of(("axis", (long)axis), ("num_outputs", (long)parts)));

    /// <summary>Rows of <paramref name="data"/> along an axis, chosen by int64 indices.</summary>
    public string Gather(string data, string indices, int axis = 0, string name = "gather") =>
        Apply("Gather", name, [data, indices], NodeAttributes.Of(("axis", (long)axis)));

    /// <summary>Scaled dot-product attention: q, k, v [N, T, heads * head size] -> like q.</summary>
    public string Attention(string q, string k, string v, int heads, bool causal, string name = "attention") =>
        Apply("Attention", name, [q, k, v], NodeAttributes.Of(
            ("q_num_heads", (long)heads), ("kv_num_heads", (long)heads), ("is_causal", causal ? 1L : 0L)));

    /// <summary>Mean cross-entropy: scores [N, K, ...], labels [N, ...] int64 -> scalar.</summary>
    public string CrossEntropy(string scores, string labels, double labelSmoothing = 0, string name = "loss")
    {
        NodeAttributes attributes = NodeAttributes.Of(("reduction", "mean"));
        return Apply(
            "SoftmaxCrossEntropyLoss",
            name,
            [scores, labels],
            labelSmoothing == 0 ? attributes : attributes.With("label_smoothing", labelSmoothing));
    }

    private static NodeAttributes Window(int kernel, int stride, int padding)
    {
        stride = stride == 0 ? kernel : stride;
        return NodeAttributes.Of(
            ("kernel_shape", new long[] { kernel, kernel }),
            ("pads", new long[] { padding, padding, padding, padding }),
            ("strides", new long[] { stride, stride }));
    }
}
