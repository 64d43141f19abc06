using Esper.Contracts;
using Esper.Kasmina.Lifecycle;

namespace Esper.Kasmina.Tests;

public sealed class AlphaScheduleTests
{
    public static TheoryData<string> Names => [.. AlphaSchedule.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_shape_rises_from_zero_to_one_exactly(string name)
    {
        Assert.Equal(0, AlphaSchedule.At(name, 0));
        Assert.Equal(1, AlphaSchedule.At(name, 1));
        Assert.Equal(0, AlphaSchedule.At(name, -3));
        Assert.Equal(1, AlphaSchedule.At(name, 3));
        double last = 0;
        for (int i = 1; i <= 100; i++)
        {
            double value = AlphaSchedule.At(name, i / 100.0);
            Assert.True(value > last, $"{name} does not rise at {i} %");
            last = value;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_shape_is_symmetric(string name)
    {
        for (int i = 0; i <= 10; i++)
        {
            Assert.Equal(1, AlphaSchedule.At(name, i / 10.0) + AlphaSchedule.At(name, 1 - (i / 10.0)), 12);
        }
    }

    [Fact]
    public void The_shapes_differ()
    {
        Assert.Equal(0.25, AlphaSchedule.At("linear", 0.25));
        Assert.Equal(0.5 * (1 - Math.Sqrt(0.5)), AlphaSchedule.At("cosine", 0.25), 12);
        Assert.InRange(AlphaSchedule.At("sigmoid", 0.25), 0.06, 0.08);
    }

    [Fact]
    public void An_unknown_shape_is_named()
    {
        EsperException error = Assert.Throws<EsperException>(() => AlphaSchedule.At("cubic", 0.5));
        Assert.Contains("'cubic'", error.Message, StringComparison.Ordinal);
        Assert.Contains("sigmoid", error.Message, StringComparison.Ordinal);
    }
}
