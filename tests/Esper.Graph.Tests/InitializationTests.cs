using static Esper.Graph.Tests.TestGraphs;

namespace Esper.Graph.Tests;

public sealed class InitializationTests
{
    private const int Count = 100_000;

    private static float[] Draw(Initializer initializer, string name = "p", long seed = 1, int count = Count) =>
        ParameterMaterializer.Materialize(
            new Parameter(name, Shape(count), initializer, ParameterRole.Weight), seed).ToArray();

    private static float[] Content(Parameter parameter, long seed) => ParameterMaterializer.Materialize(parameter, seed).ToArray();

    [Fact]
    public void Given_numbers_are_handed_out_as_they_are()
    {
        float[] numbers = [1, float.NaN, -0f, 4];
        Parameter parameter = new("p", Shape(2, 2), Initializer.Given(new TensorData(numbers)), ParameterRole.Weight);
        Assert.True(numbers.AsMemory().Equals(System.Runtime.InteropServices.MemoryMarshal.AsMemory(ParameterMaterializer.Materialize(parameter, 1))));
        Assert.Equal(Initializer.Given(new TensorData(numbers.ToArray())), parameter.Initializer);
        Assert.NotEqual(Initializer.Given(new TensorData(new[] { 1, float.NaN, 0f, 4 })), parameter.Initializer);
        Assert.StartsWith("Given(", parameter.Initializer.ToString(), StringComparison.Ordinal);
        GraphException failure = Assert.Throws<GraphException>(() => ParameterMaterializer.Materialize(parameter with { Shape = Shape(3) }, 1));
        Assert.Equal("parameter 'p': 4 numbers do not fill the shape [3]", failure.Message);
    }

    // The expected numbers come from an independent implementation of FNV-1a, SplitMix64 and Box-Muller in Python.
    [Fact]
    public void Draws_are_those_of_the_documented_generator()
    {
        Assert.Equal(
            [0.25395826f, 0.027279682f, 0.23615532f], Draw(Initializer.Uniform(0.5), "block1.conv.weight", seed: 7, count: 3));
        float[] normal = Draw(Initializer.Normal(2), "ü", seed: -1, count: 4);
        float[] expected = [1.0044225f, 2.3110397f, 0.013551765f, 1.5914754f];
        for (int i = 0; i < expected.Length; i++)
        {
            // Sine, cosine and logarithm differ between math libraries in the last place of binary64; rounded to binary32
            // that is one unit at most.
            Assert.Equal(expected[i], normal[i], 2.5e-7f * Math.Abs(expected[i]));
        }
    }

    [Fact]
    public void Content_depends_on_seed_and_name_alone()
    {
        HostGraph graph = Preset("cnn3").Graph;
        Parameter parameter = graph.FindParameter("block2.conv.weight")!;
        float[] first = Content(parameter, 3);
        foreach (Parameter other in graph.Parameters.Reverse())
        {
            Content(other, 3);
        }

        Assert.Equal(first, Content(parameter, 3));
        Assert.NotEqual(first, Content(parameter, 4));
        Assert.NotEqual(first, Content(parameter with { Name = "block2.conv.weigh" }, 3));
        Assert.Equal(first[..9], Content(parameter with { Shape = Shape(9) }, 3));
    }

    [Fact]
    public void Uniform_stays_in_its_bound_and_has_its_moments()
    {
        float[] data = Draw(Initializer.KaimingUniformTorch(27));
        double bound = 1 / Math.Sqrt(27);
        Assert.All(data, x => Assert.InRange(x, (float)-bound, (float)bound));

        // Of 100,000 draws some lie within 1e-4 of either end except with probability exp(-10).
        Assert.True(data.Max() > bound * (1 - 1e-4 * 2));
        Assert.True(data.Min() < -bound * (1 - 1e-4 * 2));

        // Five standard errors: of a mean bound / sqrt(3 n), of a mean square 2 bound^2 / sqrt(45 n).
        Assert.Equal(0, data.Average(), 5 * bound / Math.Sqrt(3.0 * Count));
        Assert.Equal(bound * bound / 3, data.Average(x => (double)x * x), 5 * 2 * bound * bound / Math.Sqrt(45.0 * Count));
    }

    [Fact]
    public void Normal_has_its_moments_and_independent_neighbours()
    {
        double[] data = [.. Draw(Initializer.HeNormal(8)).Select(x => x / 0.5)];

        // Five standard errors of standard normal draws: mean 1 / sqrt(n), mean square sqrt(2 / n), mean fourth power
        // sqrt(96 / n), mean product of neighbours 1 / sqrt(n).
        Assert.Equal(0, data.Average(), 5 / Math.Sqrt(Count));
        Assert.Equal(1, data.Average(x => x * x), 5 * Math.Sqrt(2.0 / Count));
        Assert.Equal(3, data.Average(x => x * x * x * x), 5 * Math.Sqrt(96.0 / Count));
        Assert.Equal(0, data.Zip(data.Skip(1), (a, b) => a * b).Average(), 5 / Math.Sqrt(Count));
    }

    [Fact]
    public void Parameters_of_different_names_are_not_correlated()
    {
        float[] a = Draw(Initializer.Normal(1), "a");
        float[] b = Draw(Initializer.Normal(1), "b");

        // Five standard errors of a mean product of independent standard normal draws.
        Assert.Equal(0, a.Zip(b, (x, y) => (double)x * y).Average(), 5 / Math.Sqrt(Count));
    }

    [Fact]
    public void Constants_fill()
    {
        Assert.All(Draw(Initializer.Zeros, count: 5), x => Assert.Equal(0f, x));
        Assert.All(Draw(Initializer.Ones, count: 5), x => Assert.Equal(1f, x));
        Assert.All(Draw(Initializer.Constant(-2.5), count: 5), x => Assert.Equal(-2.5f, x));
        Assert.Empty(Draw(Initializer.Normal(1), count: 0));
    }

    [Fact]
    public void Senseless_scales_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Initializer.Normal(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Initializer.Uniform(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => Initializer.KaimingUniformTorch(0));
        Assert.Equal(Initializer.Uniform(0.5), Initializer.KaimingUniformTorch(4));
        Assert.Equal("Normal(0.5)", Initializer.HeNormal(8).ToString());
    }
}
