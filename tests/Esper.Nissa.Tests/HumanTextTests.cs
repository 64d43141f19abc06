namespace Esper.Nissa.Tests;

public sealed class HumanTextTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(999, "999")]
    [InlineData(999.9, "1.00 k")]
    [InlineData(78_042, "78.0 k")]
    [InlineData(1_234_567, "1.23 M")]
    [InlineData(999_999, "1.00 M")]
    [InlineData(4.1e15, "4.10 P")]
    [InlineData(0.25, "0.25")]
    public void Large_numbers_are_scaled(double value, string expected) => Assert.Equal(expected, HumanText.Scaled(value));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.0123456, "0.01235")]
    [InlineData(1.5e-7, "1.5e-7")]
    [InlineData(12345678, "1.235e7")]
    [InlineData(-2.5, "-2.5")]
    public void Numbers_have_four_digits(double value, string expected) => Assert.Equal(expected, HumanText.Number(value));

    [Theory]
    [InlineData(4.207, "4.21 s")]
    [InlineData(59.999, "1 min 00 s")]
    [InlineData(187, "3 min 07 s")]
    [InlineData(3599.7, "1 h 00 min")]
    [InlineData(3725, "1 h 02 min")]
    public void Durations_name_their_units(double seconds, string expected) => Assert.Equal(expected, HumanText.Duration(seconds));

    [Theory]
    [InlineData(0.0042, "+0.42 pp")]
    [InlineData(-0.0042, "−0.42 pp")]
    [InlineData(0, "0.00 pp")]
    public void Differences_carry_their_sign(double difference, string expected) => Assert.Equal(expected, HumanText.Points(difference));
}
