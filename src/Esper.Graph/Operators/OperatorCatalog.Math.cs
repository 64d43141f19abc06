using System.Collections.Immutable;

namespace Esper.Graph;

/// <content>Elementary functions, comparisons, reductions and rankings.</content>
public static partial class OperatorCatalog
{
    private static IEnumerable<OperatorSchema> Functions() =>
    [
        Unary("Log", 1), Unary("Erf", 1), Unary("Sin", 1), Unary("Cos", 1), Unary("Tan", 1), Unary("Asin", 1), Unary("Acos", 1),
        Unary("Atan", 1), Unary("Sinh", 1), Unary("Cosh", 1), Unary("Asinh", 1), Unary("Acosh", 1), Unary("Atanh", 1),
        Unary("Floor", 1), Unary("Ceil", 1), Unary("Round", 1), Unary("Reciprocal", 1),
        New("Abs", 1, 1, ElementwiseRules.Typed(ElementTypes.Numbers), ElementwiseRules.PerOutput(1)),
        New("Sign", 1, 1, ElementwiseRules.Typed(ElementTypes.Numbers), ElementwiseRules.PerOutput(1)),
        New("IsNaN", 1, 1, ElementwiseRules.Test, ElementwiseRules.PerOutput(1)),
        New("IsInf", 1, 1, ElementwiseRules.Test, ElementwiseRules.PerOutput(1), "detect_negative:i", "detect_positive:i"),
        Unary("Softplus", 3), Unary("Softsign", 3), Unary("Mish", 5), Unary("Swish", 5, "alpha:f"),
        Unary("Selu", 4, "alpha:f", "gamma:f"), Unary("Celu", 4, "alpha:f"), Unary("ThresholdedRelu", 1, "alpha:f"),
        Unary("HardSigmoid", 4, "alpha:f", "beta:f"), Unary("Shrink", 3, "bias:f", "lambd:f"),
        New("PRelu", 2, 2, ElementwiseRules.PRelu, ElementwiseRules.PerOutput(2)),
        New("Clip", 1, 3, ElementwiseRules.Clip, ElementwiseRules.ClipCost),
        New("Mod", 2, 2, ElementwiseRules.Mod, ElementwiseRules.PerOutput(1), "fmod:i"),
        New("Min", 1, int.MaxValue, ElementwiseRules.NAry(ElementTypes.Numbers), ElementwiseRules.Joined(0)),
        New("Max", 1, int.MaxValue, ElementwiseRules.NAry(ElementTypes.Numbers), ElementwiseRules.Joined(0)),
        New("Sum", 1, int.MaxValue, ElementwiseRules.NAry(ElementTypes.Floats), ElementwiseRules.Joined(0)),
        New("Mean", 1, int.MaxValue, ElementwiseRules.NAry(ElementTypes.Floats), ElementwiseRules.Joined(1)),
    ];

    private static IEnumerable<OperatorSchema> Comparisons() =>
    [
        Comparison("Equal", ElementTypes.All), Comparison("Less", ElementTypes.Numbers),
        Comparison("LessOrEqual", ElementTypes.Numbers), Comparison("Greater", ElementTypes.Numbers),
        Comparison("GreaterOrEqual", ElementTypes.Numbers),
        New("Not", 1, 1, ElementwiseRules.Typed(ElementTypes.Bools), Free),
        Logic("And", ElementTypes.Bools), Logic("Or", ElementTypes.Bools), Logic("Xor", ElementTypes.Bools),
        New("BitwiseNot", 1, 1, ElementwiseRules.Typed(ElementTypes.Integers), Free),
        Logic("BitwiseAnd", ElementTypes.Integers), Logic("BitwiseOr", ElementTypes.Integers),
        Logic("BitwiseXor", ElementTypes.Integers),
    ];

    private static IEnumerable<OperatorSchema> Reductions() =>
    [
        Reduction("ReduceMean", 1, ElementTypes.Floats),
        Reduction("ReduceSum", 1, ElementTypes.Summable),
        Reduction("ReduceMax", 1, ElementTypes.All),
        Reduction("ReduceMin", 1, ElementTypes.All),
        Reduction("ReduceProd", 1, ElementTypes.Summable),
        Reduction("ReduceL1", 2, ElementTypes.Summable),
        Reduction("ReduceSumSquare", 2, ElementTypes.Summable),
        Reduction("ReduceL2", 2, ElementTypes.Floats),
        Reduction("ReduceLogSum", 1, ElementTypes.Floats),
        Reduction("ReduceLogSumExp", 4, ElementTypes.Floats),
        New("CumSum", 2, 2, ReductionRules.CumulativeSum, ElementwiseRules.PerInput(1), "exclusive:i", "reverse:i"),
        New("ArgMax", 1, 1, ReductionRules.Arg, ElementwiseRules.PerInput(1), "axis:i", "keepdims:i", "select_last_index:i"),
        New("ArgMin", 1, 1, ReductionRules.Arg, ElementwiseRules.PerInput(1), "axis:i", "keepdims:i", "select_last_index:i"),
        New("Hardmax", 1, 1, NormalizationRules.Softmax, ElementwiseRules.PerInput(1), "axis:i"),
        New("TopK", 2, 2, ReductionRules.TopK, ElementwiseRules.PerInput(1), "axis:i", "largest:i", "sorted:i")
            with { MaximumOutputs = 2 },
    ];

    private static OperatorSchema Comparison(string op, ImmutableArray<ElementType> operands) =>
        New(op, 2, 2, ElementwiseRules.Compare(operands), ElementwiseRules.PerOutput(1));

    private static OperatorSchema Logic(string op, ImmutableArray<ElementType> operands) =>
        New(op, 2, 2, ElementwiseRules.NAry(operands), Free);

    private static OperatorSchema Reduction(string op, long flops, ImmutableArray<ElementType> allowed) =>
        New(op, 1, 2, ReductionRules.ReduceOf(allowed), ElementwiseRules.PerInput(flops), "keepdims:i", "noop_with_empty_axes:i");
}
