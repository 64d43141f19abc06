
namespace Esper.Contracts.Tests;

public sealed class SeedIdTests
{
    [Fact]
    public void Order_is_by_site_then_seed()
    {
        SeedId[] ordered = [new(0, 0), new(0, 2), new(1, 0), new(1, 1)];
        Assert.Equal(ordered, ordered.Reverse().Order());
        Assert.True(ordered[1] < ordered[2] && ordered[2] > ordered[1]);
        Assert.True(ordered[1] <= ordered[1] && ordered[1] >= ordered[1]);
    }

    [Fact]
    public void Text_form_names_site_and_seed() => Assert.Equal("3.14", new SeedId(3, 14).ToString());
}
