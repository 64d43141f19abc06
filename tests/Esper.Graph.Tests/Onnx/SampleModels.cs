using Esper.Graph.Onnx;
using static Esper.Graph.Tests.Onnx.TestModel;

namespace Esper.Graph.Tests.Onnx;

/// <summary>Small models that hold what exporters write: where the fuzzer starts from.</summary>
internal static class SampleModels
{
    public static IEnumerable<OnnxModel> All() => [Convolutional(), Shapes(), Functions(), Branches(), Constants()];

    public static OnnxModel Convolutional() => new TestModel()
        .Input("images", -1, 3, 8, 8)
        .Weight("conv.weight", 4, 3, 3, 3).Weight("conv.bias", 4)
        .Weight("bn.weight", 4).Weight("bn.bias", 4).Weight("bn.running_mean", 4)
        .Tensor(Floats("bn.running_var", [4], 1, 1, 1, 1))
        .Weight("fc.weight", 5, 64).Weight("fc.bias", 5)
        .Node("Conv images,conv.weight,conv.bias -> c", Attribute("pads", 1, 1, 1, 1), Attribute("kernel_shape", 3, 3))
        .Node("BatchNormalization c,bn.weight,bn.bias,bn.running_mean,bn.running_var -> b", Attribute("epsilon", 1e-5f))
        .Node("Relu b -> r")
        .Node("MaxPool r -> p", Attribute("kernel_shape", 2, 2), Attribute("strides", 2, 2))
        .Node("Flatten p -> f", Attribute("axis", 1))
        .Node("Gemm f,fc.weight,fc.bias -> logits", Attribute("transB", 1))
        .Output("logits").Build();

    /// <summary>A reshape whose target is put together from the shape of the data.</summary>
    public static OnnxModel Shapes() => new TestModel()
        .Input("x", -1, 6, 4)
        .Tensor(Integers("zero", [], 0)).Tensor(Integers("two", [], 2)).Tensor(Integers("axis0", [1], 0))
        .Tensor(Integers("minus", [1], -1)).Tensor(Integers("starts", [1], 0)).Tensor(Integers("ends", [1], 1))
        .Weight("w", 12, 3)
        .Node("Shape x -> s")
        .Node("Gather s,zero -> n")
        .Node("Slice s,starts,ends -> n1")
        .Node("Mul n,two -> n2")
        .Node("Unsqueeze n2,axis0 -> n2v")
        .Node("Concat n2v,minus -> target", Attribute("axis", 0))
        .Node("Reshape x,target -> y")
        .Node("MatMul y,w -> z")
        .Node("Concat n1,minus -> back", Attribute("axis", 0))
        .Node("Reshape z,back -> out")
        .Output("out").Build();

    public static OnnxModel Functions() => new TestModel()
        .Input("x", -1, 4)
        .Weight("w", 4, 4).Weight("v", 4, 4)
        .Function(new OnnxFunction
        {
            Name = "Block",
            Domain = "my.ops",
            Inputs = ["a", "m"],
            Outputs = ["o"],
            Attributes = ["slope"],
            Nodes =
            [
                new OnnxNode { Name = "mm", Op = "MatMul", Inputs = ["a", "m"], Outputs = ["t"] },
                new OnnxNode
                {
                    Name = "act", Op = "LeakyRelu", Inputs = ["t"], Outputs = ["o"],
                    Attributes = [new OnnxAttribute { Name = "alpha", Kind = OnnxAttributeKind.Float, Reference = "slope" }],
                },
            ],
            Opsets = System.Collections.Immutable.ImmutableSortedDictionary<string, long>.Empty.Add("", 17),
        })
        .Node("my.ops.Block x,w -> h", Attribute("slope", 0.2f))
        .Node("my.ops.Block h,v -> y")
        .Output("y").Build();

    public static OnnxModel Branches()
    {
        OnnxGraph yes = new TestModel().Node("Relu x -> t0").Output("t0").Graph();
        OnnxGraph no = new TestModel().Node("Neg x -> e0").Output("e0").Graph();
        return new TestModel()
            .Input("x", -1, 4)
            .Tensor(new OnnxTensor { Name = "flag", ElementType = 9, Integers = [1] })
            .Node("If flag -> y", Attribute("then_branch", yes), Attribute("else_branch", no))
            .Output("y").Build();
    }

    public static OnnxModel Constants() => new TestModel()
        .Input("x", -1, 4)
        .Node("Constant -> two", Attribute("value", Floats("", [], 2)))
        .Node("Constant -> axes", Attribute("value_ints", [1L]))
        .Node("Constant -> shape", Attribute("value", Integers("", [2], 0, -1)))
        .Node("Mul x,two -> d")
        .Node("Reshape d,shape -> r")
        .Node("ReduceMean r -> m", Attribute("axes", [-1L]), Attribute("keepdims", 1))
        .Node("Sub r,m -> c")
        .Node("Softmax c -> y", Attribute("axis", -1))
        .Output("y").Build();
}
